"""Callers of a control that dies under them: they ask until they are answered, and write down what was done for them.

Each call can be made again without harm, so that a caller who was cut off knows afterwards what has been committed.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from matinee.rpc.call_errors import CallError
from matinee.rpc.channel import Channel
from protos.v1.auth_pb2 import LoginRequest
from protos.v1.auth_pb2_grpc import AuthServiceStub
from protos.v1.playback_pb2 import (
    PausePlaybackRequest,
    PlayRequest,
    ReportPlaybackRequest,
    ResumePlaybackRequest,
    StopPlaybackRequest,
)
from protos.v1.playback_pb2_grpc import PlaybackServiceStub
from protos.v1.subscriptions_pb2 import CancelSubscriptionRequest, SubscribeRequest
from protos.v1.subscriptions_pb2_grpc import SubscriptionServiceStub
from tests.control_house import Metadata, bearer, claims_of
from tests.patience import until

PASSWORD = "password"
PLAN = "family"
STRETCHES = 3

Answer = TypeVar("Answer")


class Entry(NamedTuple):
    """A change that was committed: its topic, of which session or subscription it is, and which of its changes."""

    topic: str
    subject: str
    detail: str


class Services:
    """What one process of control is asked; `calls` is how many calls it has not answered yet."""

    def __init__(self, channel: Channel) -> None:
        self.calls = 0
        self.auth = AuthServiceStub(channel)
        self.playback = PlaybackServiceStub(channel)
        self.subscriptions = SubscriptionServiceStub(channel)


class Line:
    """Leads to control, whichever processes that is now, to one after the other."""

    def __init__(self) -> None:
        self.closing = False
        """Whether callers come to an end of what they do."""
        self._services = deque[Services]()
        self._connected = asyncio.Event()

    @asynccontextmanager
    async def connected(self, channel: Channel) -> AsyncIterator[None]:
        """There is one more process, as long as the context lasts; what it leaves unanswered has failed then."""
        services = Services(channel)
        self._services.append(services)
        self._connected.set()
        yield
        self._services.remove(services)
        if not self._services:
            self._connected.clear()
        await until(lambda: not services.calls)

    async def ask(self, call: Callable[[Services], Awaitable[Answer]], done: str = "") -> Answer | None:
        """The answer, asked for until there is one; None when a refusal with the status `done` says: it was done."""
        while True:
            services = await self._next()
            services.calls += 1
            try:
                return await call(services)
            except CallError as error:
                if error.code().name == done:
                    return None
                if error.code().name != "UNAVAILABLE":
                    raise
            finally:
                services.calls -= 1

    async def _next(self) -> Services:
        while not self._services:
            await self._connected.wait()
        self._services.rotate()
        return self._services[0]


@dataclass
class Ledger:
    """What was committed, by account, in order."""

    entries: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))

    @property
    def length(self) -> int:
        """How many changes there are."""
        return sum(map(len, self.entries.values()))

    def note(self, account_id: str, topic: str, subject: str, detail: object) -> None:
        """Something was done for an account."""
        self.entries[account_id].append(Entry(topic, subject, str(detail)))


@dataclass
class Caller:
    """An account that is signed in, and calls."""

    line: Line
    ledger: Ledger
    email: str
    title_id: str
    person: Metadata = ()
    account_id: str = ""
    position: int = 0
    """Where playback is, in milliseconds; no two changes are made at the same one."""

    async def sign_in(self) -> None:
        """Sign in once more."""
        request = LoginRequest(email=self.email, password=PASSWORD)
        tokens = await self.line.ask(lambda control: control.auth.Login(request))
        assert tokens
        self.person = bearer(tokens.access_token)
        self.account_id = claims_of(self.person)["sub"]

    async def keep_signing_in(self) -> None:
        """Sign in again and again; which of it was committed only the database knows."""
        while not self.line.closing:
            await self.sign_in()

    async def keep_subscribing(self) -> None:
        """Subscribe and cancel, again and again."""
        await self.sign_in()
        subscribe, cancel = SubscribeRequest(plan_id=PLAN), CancelSubscriptionRequest(now=True)
        while not self.line.closing:
            began = await self.line.ask(
                lambda control: control.subscriptions.Subscribe(subscribe, metadata=self.person)
            )
            assert began
            subscription_id = began.subscription.subscription_id
            self.ledger.note(self.account_id, "subscription-updated", subscription_id, "active")
            await self.line.ask(
                lambda control: control.subscriptions.CancelSubscription(cancel, metadata=self.person), done="NOT_FOUND"
            )
            self.ledger.note(self.account_id, "subscription-updated", subscription_id, "ended")

    async def keep_playing(self) -> None:
        """Play, with pauses, to a stop, again and again."""
        await self.sign_in()
        request = PlayRequest(title_id=self.title_id, device="Sofa", device_id="sofa")
        while not self.line.closing:
            played = await self.line.ask(lambda control: control.playback.Play(request, metadata=self.person))
            assert played
            await self._move(played.session_id, ReportPlaybackRequest, "ReportPlayback", "movie-played")
            for _ in range(STRETCHES):
                await self._move(played.session_id, PausePlaybackRequest, "PausePlayback", "movie-paused")
                await self._move(played.session_id, ResumePlaybackRequest, "ResumePlayback", "movie-played")
            await self._move(played.session_id, StopPlaybackRequest, "StopPlayback", "movie-paused")

    async def _move(self, session_id: str, kind: type, method: str, topic: str) -> None:
        self.position += 1
        request = kind(session_id=session_id, position_seconds=self.position / 1000)
        await self.line.ask(lambda control: getattr(control.playback, method)(request, metadata=self.person))
        self.ledger.note(self.account_id, topic, session_id, self.position)
