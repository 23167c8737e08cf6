"""Grants: what this edge may serve to a playback session, for how long.

On first sight of a session the edge asks control once (`GetGrant`) and keeps the grant. One stream per edge
(`Connect`) then tells control about once a second which sessions are in use, and brings renewals, revocations and news
of signing keys. While control is away, grants are honoured until they expire, and new sessions are `Unavailable`.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from edge.flights import SingleFlight
from matinee.errors import MatineeError, NotFound, PermissionDenied, Unavailable
from matinee.follower import following
from matinee.rpc.call_errors import translated
from matinee.rpc.channel import Channel
from matinee.rpc.metadata import service_metadata
from matinee.tokens import Clock
from protos.v1 import playback_pb2
from protos.v1.playback_pb2_grpc import EdgeServiceStub

DEADLINE_SECONDS = 5.0
REPORT_SECONDS = 1.0
REPORT_SESSIONS = 5_000
"""Most sessions in one report. Control takes 10,000; more go in several."""
SILENCE_SECONDS = 3.0
"""How long control may owe the answer to a report: one that hangs, or has lost its power, ends no connection."""
DENIED_SECONDS = 10.0
"""How long a refusal is remembered before control is asked again."""
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 3.0
ENDED = "this playback session has ended; play the title again"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Grant:
    """What may be served to a session until `expires_at` (Unix seconds): rungs up to `max_height`, 0 for all."""

    session_id: str
    asset_id: str
    expires_at: float
    max_height: int


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a session may not be served, for its viewer and their player; remembered until then (Unix seconds)."""

    reason: str
    cause: str
    until: float


class ReportSink(Protocol):
    """The upper half of the stream to control."""

    async def write(self, request: playback_pb2.ConnectRequest, /) -> None:
        """Send one report."""
        ...


class Grants:
    """The grants that this edge holds. `run` keeps them fresh; without it they end when they expire."""

    def __init__(
        self,
        channel: Channel,
        service_token: str,
        edge_id: str,
        keys_changed: Callable[[], Awaitable[None]],
        clock: Clock = time.time,
    ) -> None:
        self._control = EdgeServiceStub(channel)
        self._metadata = service_metadata(service_token)
        self._edge_id = edge_id
        self._keys_changed = keys_changed
        self._clock = clock
        self._held: dict[str, Grant] = {}
        self._denied: dict[str, Denial] = {}
        self._asked = SingleFlight[Grant]()
        self._active: set[str] = set()
        self._news: asyncio.Task[None] | None = None
        self._pause = FIRST_PAUSE_SECONDS
        self.connected = False
        """Whether the stream to control is open."""

    @property
    def count(self) -> int:
        """How many grants are held."""
        return len(self._held)

    def held(self, session_id: str, asset_id: str) -> Grant | None:
        """The grant at hand, for callers that must not wait; marks the session as in use.

        Raises `PermissionDenied` when the session is of another asset.
        """
        grant = self._held.get(session_id)
        if grant is None or grant.expires_at <= self._clock():
            return None
        if grant.asset_id != asset_id:
            raise PermissionDenied("this playback session is of another title")
        self._active.add(session_id)
        return grant

    async def grant(self, session_id: str, asset_id: str) -> Grant:
        """The grant of a session, asked for when it is not at hand.

        Raises `PermissionDenied` when the session has ended or is of another asset, `Unavailable` when control is
        needed and away.
        """
        if grant := self.held(session_id, asset_id):
            return grant
        self._refuse_denied(session_id)
        return await self._asked.join(f"{session_id}/{asset_id}", lambda: self._ask(session_id, asset_id))

    async def run(self) -> None:
        """Stay connected to control, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(following(self._stay_connected()))
            tasks.create_task(following(self._forget_regularly()))

    async def _ask(self, session_id: str, asset_id: str) -> Grant:
        request = playback_pb2.GetGrantRequest(session_id=session_id, asset_id=asset_id, edge_id=self._edge_id)
        try:
            async with translated():
                reply = await self._control.GetGrant(request, metadata=self._metadata, timeout=DEADLINE_SECONDS)
            self._refuse_denied(session_id)  # a revocation may have overtaken the answer
            self._held[session_id] = grant = _read(reply.grant)
            self._active.add(session_id)
            return grant
        except (PermissionDenied, NotFound) as error:
            self._deny(session_id, str(error), error.cause)
            raise PermissionDenied(str(error), cause=error.cause) from error

    def _refuse_denied(self, session_id: str) -> None:
        denial = self._denied.get(session_id)
        if denial and denial.until > self._clock():
            raise PermissionDenied(denial.reason, cause=denial.cause)

    def _deny(self, session_id: str, reason: str, cause: str) -> None:
        self._held.pop(session_id, None)
        self._active.discard(session_id)
        self._denied[session_id] = Denial(reason, cause, self._clock() + DENIED_SECONDS)

    async def _stay_connected(self) -> None:
        task = asyncio.current_task()
        # gRPC may answer a cancellation with the call's own failure, when both come at once.
        while task is not None and not task.cancelling():
            try:
                async with translated():
                    await self._attend()
            except MatineeError as error:
                log.warning("the stream to control broke", reason=str(error))
            await asyncio.sleep(self._pause * random.uniform(0.5, 1))  # noqa: S311 - spreads edges, keeps no secret
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    async def _attend(self) -> None:
        try:
            async with asyncio.timeout(None) as silence:
                await self._converse(silence)
        except TimeoutError as error:
            raise Unavailable(f"control has answered no report for {SILENCE_SECONDS:g} s") from error

    async def _converse(self, silence: asyncio.Timeout) -> None:
        stream = self._control.Connect(metadata=self._metadata)
        reporting = asyncio.create_task(self._report_regularly(stream, silence))
        try:
            async for news in stream:
                self.connected, self._pause = True, FIRST_PAUSE_SECONDS
                silence.reschedule(None)
                self._hear(news)
        finally:
            self.connected = False
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)  # the reading side tells what broke

    async def _report_regularly(self, stream: ReportSink, silence: asyncio.Timeout) -> None:
        """Every session that is held at first, so that control tells of revocations that were missed; then the used."""
        self._active = set(self._held)
        while True:
            reports = self._reports()
            if reports and silence.when() is None:
                silence.reschedule(asyncio.get_running_loop().time() + SILENCE_SECONDS)
            for report in reports:
                await stream.write(report)
            await asyncio.sleep(REPORT_SECONDS)

    def _reports(self) -> list[playback_pb2.ConnectRequest]:
        active, self._active = sorted(self._active), set()
        return [
            playback_pb2.ConnectRequest(
                edge_id=self._edge_id, active_session_ids=active[start : start + REPORT_SESSIONS]
            )
            for start in range(0, len(active), REPORT_SESSIONS)
        ]

    def _hear(self, news: playback_pb2.ConnectResponse) -> None:
        for renewed in news.renewed:
            if renewed.session_id in self._held:
                self._held[renewed.session_id] = _read(renewed)
        for revoked in news.revoked:
            self._deny(revoked.session_id, revoked.reason or ENDED, revoked.cause)
        if news.keys_changed:
            self._news = asyncio.create_task(self._fetch_keys())

    async def _fetch_keys(self) -> None:
        try:
            await self._keys_changed()
        except MatineeError as error:
            log.warning("the signing keys could not be fetched", reason=str(error))

    async def _forget_regularly(self) -> None:
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            now = self._clock()
            self._held = {key: grant for key, grant in self._held.items() if grant.expires_at > now}
            self._denied = {key: denial for key, denial in self._denied.items() if denial.until > now}


def _read(grant: playback_pb2.Grant) -> Grant:
    expires_at = grant.expires_at.seconds + grant.expires_at.nanos / 1e9
    return Grant(grant.session_id, grant.asset_id, expires_at, grant.max_height)
