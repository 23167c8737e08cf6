"""Control and edge in processes of their own, with a film that can be played: what tests of outages need."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx

from matinee.instance import service_token
from matinee.rpc.channel import open_channel, open_control
from matinee.rpc.metadata import service_metadata
from matinee.settings import Settings, load_settings
from matinee.storage.opening import open_store
from matinee.tokens import key_id
from protos.v1.jobs_pb2 import CompleteUploadRequest, LeaseJobRequest, PublishAssetRequest
from protos.v1.jobs_pb2_grpc import UploadServiceStub, WorkerServiceStub
from tests.control_house import claims_of
from tests.patience import PATIENCE, until
from tests.ports import free_port
from tests.small_asset import ASSET_ID, store_asset

Headers = dict[str, str]


@dataclass
class Playhouse:
    """A data directory with one published title, and the services that run on it."""

    settings: Settings
    client: httpx.AsyncClient
    environment: dict[str, str]
    running: dict[str, Process] = field(default_factory=dict)
    title_id: str = ""
    bearer: Headers = field(default_factory=dict)

    async def start(self, name: str, *before: str) -> None:
        """Start a service and wait until it answers; `before` are words of a command that becomes it."""
        with (self.settings.data / f"{name}.log").open("ab") as log:
            self.running[name] = await asyncio.create_subprocess_exec(
                *before, sys.executable, "-m", "matinee", name, env=self.environment, stdout=log, stderr=log
            )
        if name == "control":
            async with open_channel(self.settings.control_address) as channel:
                await asyncio.wait_for(channel.channel_ready(), PATIENCE)
        else:
            await until(self.door_answers)

    async def end(self, name: str, number: int = signal.SIGTERM) -> int:
        """Send a signal to a service, and wait for its exit status."""
        process = self.running.pop(name)
        process.send_signal(number)
        return await process.wait()

    async def door_answers(self) -> bool:
        """Whether the edge serves."""
        try:
            return (await self.client.get("/healthz")).status_code == HTTPStatus.OK
        except httpx.TransportError:
            return False

    async def ready(self) -> bool:
        """Whether the edge has all that it needs."""
        return (await self.client.get("/readyz")).status_code == HTTPStatus.OK

    async def sign_in(self) -> Headers:
        """What the admin sends along, with a new access token."""
        admin = json.loads((self.settings.data / "admin.json").read_text())
        answer = await self.client.post("/api/v1/auth:login", json=admin)
        return {"authorization": f"Bearer {answer.json()['access_token']}"}

    async def play(self) -> str:
        """The signed folder of a new playback session; file names follow it."""
        return folder(await self.client.post(self.play_path, headers=self.bearer))

    @property
    def play_path(self) -> str:
        """Where a playback session is opened."""
        return f"/api/v1/titles/{self.title_id}:play"


async def publish(settings: Settings, bearer: Headers) -> str:
    """Make the small asset a published title of an account, as edge and worker would."""
    await store_asset(open_store(settings.store_url))
    service = service_metadata(service_token(settings))
    claims = claims_of(tuple(bearer.items()))
    uploaded = CompleteUploadRequest(
        upload_id="film", account_id=claims["sub"], session_id=claims["sid"], title_name="Film",
        file_name="film.mkv", size_bytes=1,
    )  # fmt: skip
    async with open_control(settings) as channel:
        uploads, workers = UploadServiceStub(channel), WorkerServiceStub(channel)
        title_id = (await uploads.CompleteUpload(uploaded, metadata=service)).title_id
        lease = (await workers.LeaseJob(LeaseJobRequest(worker_id="w"), metadata=service)).lease
        done = PublishAssetRequest(
            job_id=lease.job_id, fencing_token=lease.fencing_token, asset_id=ASSET_ID, duration_seconds=6,
            width=1920, height=1080, size_bytes=1,
        )  # fmt: skip
        await workers.PublishAsset(done, metadata=service)
    return title_id


@asynccontextmanager
async def opened(data: Path, **settings: str) -> AsyncIterator[Playhouse]:
    """A playhouse in an existing folder; its services have settings such as TOKENS__GRANT_SECONDS="3", and an end."""
    port = free_port("127.0.0.1")
    environment = {f"MATINEE_{name}": value for name, value in settings.items()}
    environment |= {"MATINEE_DATA": str(data), "MATINEE_HTTP__PORT": str(port)}
    limits = httpx.Limits(max_keepalive_connections=0)  # so that whatever fails was in flight
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, trust_env=False) as client:
        known = load_settings(data=data, http={"port": port}, database={"url": settings.get("DATABASE__URL", "")})
        house = Playhouse(known, client, {**os.environ, **environment})
        try:
            await house.start("control")
            await house.start("edge")
            house.bearer = await house.sign_in()
            house.title_id = await publish(house.settings, house.bearer)
            yield house
        finally:
            for name in tuple(house.running):
                await house.end(name, signal.SIGKILL)


def folder(played: httpx.Response) -> str:
    """The signed folder that a playback session was answered with."""
    assert played.is_success, played.text
    return str(played.json()["hls"]).removesuffix("main.m3u8")


@dataclass
class Audience:
    """Viewers who play, watch and ask for uploads without a pause, until the door is shut."""

    house: Playhouse
    answers: Counter[str] = field(default_factory=Counter)
    """How often each status was answered, or which error came in its place."""
    kids: set[str] = field(default_factory=set)
    """Names of the keys that signed what was played."""

    async def watch(self) -> None:
        """What one viewer does."""
        signed = await self.house.play()
        session = ""
        while True:
            with suppress(httpx.ConnectError):
                played = await self._ask("POST", self.house.play_path, self.house.bearer)
                if played and played.is_success:
                    await self._leave(session)
                    signed, session = folder(played), str(played.json()["session_id"])
                self.kids.add(key_id(signed.split("=")[1].strip("/")))
                for name in ("main.m3u8", "v360.mp4"):
                    await self._ask("GET", signed + name)
                await self._ask("HEAD", "/uploads/none", {**self.house.bearer, "tus-resumable": "1.0.0"})
                continue
            return

    async def _leave(self, session: str) -> None:
        """End a playback session, of which an account has so many at most."""
        if session:
            await self._ask("POST", f"/api/v1/playback/{session}:stop", self.house.bearer)

    async def _ask(self, method: str, url: str, headers: Headers | None = None) -> httpx.Response | None:
        """Ask, and note the answer. Raises `ConnectError`, since nothing was in flight then."""
        try:
            answer = await self.house.client.request(method, url, headers=headers)
        except httpx.ConnectError:
            raise
        except httpx.TransportError as error:
            self.answers[type(error).__name__] += 1
            return None
        waits = answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and "retry-after" not in answer.headers
        self.answers[f"{answer.status_code}{' without Retry-After' if waits else ''}"] += 1
        return answer


@asynccontextmanager
async def audience(house: Playhouse, size: int = 8) -> AsyncIterator[Audience]:
    """So many viewers, as long as the block runs."""
    viewers = Audience(house)
    watching = [asyncio.create_task(viewers.watch()) for _ in range(size)]
    try:
        yield viewers
    finally:
        for task in watching:
            task.cancel()
        ended = await asyncio.gather(*watching, return_exceptions=True)
    assert {type(end) for end in ended} <= {type(None), asyncio.CancelledError}, ended
