"""Control as its callers meet it: the genuine server on a unix socket, with SQLite, and a clock that tests turn."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import jwt
import pytest
from argon2 import PasswordHasher
from google.protobuf.message import Message

from control import event_data
from control.database import Connection, Database, accounts, outbox
from control.database.accounts import Account
from control.database.engine import open_database
from control.identifiers import new_id
from control.server import serve
from matinee import bus
from matinee.bus import EventBus
from matinee.rpc.call_errors import CallError
from matinee.rpc.channel import Channel, open_channel
from matinee.rpc.metadata import AUTHORIZATION_KEY, CLIENT_ADDRESS_KEY, USER_AGENT_KEY, service_metadata
from matinee.settings import Settings, load_settings
from matinee.storage.object_store import ObjectStore
from matinee.storage.opening import open_store
from matinee.tokens import Clock
from matinee.wiring import open_bus
from protos.v1 import events_pb2
from protos.v1.analytics_pb2_grpc import AnalyticsServiceStub
from protos.v1.auth_pb2 import LoginRequest, LoginResponse
from protos.v1.auth_pb2_grpc import AuthServiceStub
from protos.v1.catalogue_pb2_grpc import CatalogueServiceStub
from protos.v1.identity_pb2_grpc import IdentityServiceStub
from protos.v1.jobs_pb2 import (
    CompleteUploadRequest,
    CompleteUploadResponse,
    JobLease,
    LeaseJobRequest,
    PublishAssetRequest,
)
from protos.v1.jobs_pb2_grpc import DirectUploadServiceStub, JobServiceStub, UploadServiceStub, WorkerServiceStub
from protos.v1.playback_pb2 import PlayRequest, PlayResponse
from protos.v1.playback_pb2_grpc import EdgeServiceStub, PlaybackServiceStub
from protos.v1.subscriptions_pb2_grpc import SubscriptionServiceStub
from tests.patience import until

QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ASSET = "a" * 26

Metadata = Sequence[tuple[str, str]]
Event = TypeVar("Event", bound=Message)
MARKS = "marks"
"""A topic of the tests alone."""


class TurnedClock:
    """The time of day, plus what a test has turned it forward, in seconds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    def turn(self, seconds: float) -> None:
        self.ahead += seconds


@dataclass
class House:
    """A running control, and the ways to call it."""

    settings: Settings
    store: ObjectStore
    bus: EventBus
    clock: TurnedClock
    channel: Channel
    stop: asyncio.Event

    def __post_init__(self) -> None:
        self.auth = AuthServiceStub(self.channel)
        self.identity = IdentityServiceStub(self.channel)
        self.catalogue = CatalogueServiceStub(self.channel)
        self.jobs = JobServiceStub(self.channel)
        self.uploads = UploadServiceStub(self.channel)
        self.direct = DirectUploadServiceStub(self.channel)
        self.workers = WorkerServiceStub(self.channel)
        self.playback = PlaybackServiceStub(self.channel)
        self.edges = EdgeServiceStub(self.channel)
        self.subscriptions = SubscriptionServiceStub(self.channel)
        self.analytics = AnalyticsServiceStub(self.channel)

    @property
    def service(self) -> Metadata:
        """What edge and worker send along."""
        return service_metadata(self.settings.service_token_file.read_text())

    def credential(self, **changes: str) -> LoginRequest:
        """With what the admin of the first start signs in; `changes` spoil it."""
        admin = json.loads((self.settings.data / "admin.json").read_text())
        return LoginRequest(**{**admin, **changes})

    async def sign_in(self, address: str = "192.0.2.1", **changes: str) -> LoginResponse:
        """Sign in as the edge does it for a client at that address."""
        return await self.auth.Login(self.credential(**changes), metadata=self.client_at(address))

    def client_at(self, address: str, agent: str = "") -> Metadata:
        """What the edge sends along with a call of a client that is not signed in."""
        return (*self.service, (CLIENT_ADDRESS_KEY, address), (USER_AGENT_KEY, quote(agent)))

    async def admin(self) -> Metadata:
        """What the admin sends along."""
        return bearer((await self.sign_in()).access_token)

    async def person(self, role: str) -> Metadata:
        """What a new account of this role sends along; written to the database, since nobody registers yet."""
        email = f"{role}@matinee.local"
        account = Account(new_id(self.clock), email, QUICK_HASHER.hash("password"), role, self.clock())
        async with self.written() as connection:
            await accounts.add(connection, account)
        return bearer((await self.auth.Login(LoginRequest(email=email, password="password"))).access_token)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """The database of this control, for what no call can do."""
        database = await open_database(self.settings.database_url)
        try:
            yield database
        finally:
            await database.close()

    @asynccontextmanager
    async def written(self) -> AsyncIterator[Connection]:
        """A transaction over that."""
        async with self.database() as database, database.write() as connection:
            yield connection

    async def upload(
        self, upload_id: str = "upload-1", name: str = "A film", *, by: Metadata | None = None, **changes: Any
    ) -> CompleteUploadResponse:
        """Record an upload, of the admin unless it is `by` somebody else."""
        claims = claims_of(by or await self.admin())
        fields = {"upload_id": upload_id, "account_id": claims["sub"], "session_id": claims["sid"], "title_name": name}
        request = CompleteUploadRequest(**{**fields, "file_name": "film.mkv", "size_bytes": 1000, **changes})
        return await self.uploads.CompleteUpload(request, metadata=self.service)

    async def lease(self, worker_id: str = "worker-1") -> JobLease | None:
        answer = await self.workers.LeaseJob(LeaseJobRequest(worker_id=worker_id), metadata=self.service)
        return answer.lease if answer.HasField("lease") else None

    async def leased(self, worker_id: str = "worker-1") -> JobLease:
        lease = await self.lease(worker_id)
        assert lease is not None
        return lease

    async def publish(self, lease: JobLease, asset_id: str = ASSET, duration_seconds: float = 60.5) -> None:
        request = PublishAssetRequest(
            job_id=lease.job_id,
            fencing_token=lease.fencing_token,
            asset_id=asset_id,
            duration_seconds=duration_seconds,
            width=1920,
            height=1080,
            audio_languages=["eng", "deu"],
            size_bytes=5000,
        )
        await self.workers.PublishAsset(request, metadata=self.service)

    async def film(self, upload_id: str = "upload-1", name: str = "A film", asset_id: str = ASSET) -> str:
        """The id of a published title."""
        uploaded = await self.upload(upload_id, name)
        await self.publish(await self.leased(), asset_id)
        return uploaded.title_id

    async def play(self, title_id: str, metadata: Metadata, **told: Any) -> PlayResponse:
        request = PlayRequest(title_id=title_id, **{"device": "Sofa", **told})
        return await self.playback.Play(request, metadata=metadata)

    async def events(self, kind: type[Event]) -> list[Event]:
        """The events of a kind on the bus, once all that wait for it have come there; in the order of their making."""
        await until(self._relayed)
        topic = kind.DESCRIPTOR.GetOptions().Extensions[events_pb2.topic]
        mark = bus.Event(new_id(self.clock), MARKS, "", self.clock(), b"")
        await self.bus.publish([mark])
        found: dict[str, Event] = {}
        async for event in self.bus.follow([topic, MARKS], since=0.0):
            if event.event_id == mark.event_id:
                break
            if event.topic == topic:
                found[event.event_id] = event_data.decoded(kind, event.data)
        return list(found.values())

    async def _relayed(self) -> bool:
        async with self.written() as connection:
            return not await outbox.oldest(connection, 1)


def bearer(access_token: str) -> Metadata:
    """What a person with this token sends along."""
    return ((AUTHORIZATION_KEY, f"Bearer {access_token}"),)


def claims_of(person: Metadata) -> dict[str, Any]:
    """What the access token of a person says."""
    return dict(jwt.decode(person[0][1].removeprefix("Bearer "), options={"verify_signature": False}))


class Refusal:
    """The sentence with which a call was refused."""

    sentence = ""


@asynccontextmanager
async def refusal(status: str, part: str = "") -> AsyncIterator[Refusal]:
    """What is called inside must be refused with this status, and a sentence that has `part` in it."""
    refused = Refusal()
    with pytest.raises(CallError) as caught:
        yield refused
    refused.sentence = caught.value.details() or ""
    assert caught.value.code().name == status
    assert part in refused.sentence
    assert refused.sentence


async def serve_control(
    settings: Settings,
    store: ObjectStore,
    stop: asyncio.Event,
    *,
    hasher: PasswordHasher | None = QUICK_HASHER,
    clock: Clock = time.time,
) -> None:
    """Serve control with the bus of its settings, as the program does."""
    async with open_bus(settings, clock) as bus:
        await serve(settings, store, bus, stop, hasher=hasher, clock=clock)


@asynccontextmanager
async def running_control(
    data: Path, clock: TurnedClock | None = None, *, hasher: PasswordHasher = QUICK_HASHER, **changes: Any
) -> AsyncIterator[House]:
    """Run control on a data folder, with `changes` of its settings; several may run on one, each on its own socket."""
    clock = clock or TurnedClock()
    with tempfile.TemporaryDirectory(prefix="control-") as sockets:
        settings = load_settings(data=data, control={"address": f"unix:{sockets}/control.sock"}, **changes)
        store, stop = open_store(settings.store_url, settings.store), asyncio.Event()
        async with open_bus(settings, clock) as bus:
            serving = asyncio.create_task(serve(settings, store, bus, stop, hasher=hasher, clock=clock))
            try:
                async with open_channel(settings.control_address) as channel:
                    ready = asyncio.create_task(channel.channel_ready())
                    await asyncio.wait({ready, serving}, return_when="FIRST_COMPLETED")
                    if serving.done():  # nobody would ever answer
                        ready.cancel()
                        await asyncio.wait([ready])
                        await serving
                    yield House(settings, store, bus, clock, channel, stop)
            finally:
                stop.set()
                await serving
