"""NoticeService: streams of news, which last no longer than the sign-in that opened them, and the role it had."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar, cast

import structlog
from google.protobuf.message import Message
from typing_extensions import override

from control.callers import Caller, caller
from control.events.notices import Notices
from control.events.runner import topic_of
from control.timestamps import timestamp
from matinee.bus import Event, EventBus
from matinee.cloud_events import DEAD_LETTER
from matinee.errors import InvalidInput, Unauthenticated, Unavailable
from matinee.rpc.metadata import AUTHORIZATION_KEY, STREAM_OPEN
from matinee.rpc.server import Context
from protos.v1 import events_pb2
from protos.v1 import notices_pb2 as pb
from protos.v1.notices_pb2_grpc import NoticeServiceServicer

CHECK_SECONDS = 2.0
"""How often it is looked whether the caller is still signed in, in the same role."""
MOST_TOPICS = 20

Item = TypeVar("Item")

log = structlog.get_logger()


class NoticeService(NoticeServiceServicer):
    """`authenticate` finds who an access token is of, or raises `Unauthenticated`."""

    def __init__(self, notices: Notices, bus: EventBus, authenticate: Callable[[str], Awaitable[Caller]]) -> None:
        self._notices = notices
        self._bus = bus
        self._authenticate = authenticate
        self._stopping = asyncio.Event()

    def close(self) -> None:
        """End every stream."""
        self._stopping.set()
        self._notices.close()

    @override
    async def WatchNotices(
        self, request: pb.WatchNoticesRequest, context: Context
    ) -> AsyncIterator[pb.WatchNoticesResponse]:
        own = caller().session_id
        with self._notices.watching(caller().account_id) as inbox:
            await context.send_initial_metadata(STREAM_OPEN)
            async for news in self._while_signed_in(context, inbox.get):
                if news is None:
                    return
                if news.sign_in.session_id != own:  # who has just signed in knows it
                    yield news

    @override
    async def TailEvents(self, request: pb.TailEventsRequest, context: Context) -> AsyncIterator[pb.TailEventsResponse]:
        if len(request.topics) > MOST_TOPICS:
            raise InvalidInput(f"at most {MOST_TOPICS} topics can be followed")
        if any(topic.removesuffix(DEAD_LETTER) not in KINDS for topic in request.topics):
            raise InvalidInput(f"the topics are {', '.join(KINDS)}, and each of them with {DEAD_LETTER} behind it")
        events = self._bus.follow(request.topics, since=_since(request))
        await context.send_initial_metadata(STREAM_OPEN)
        async with aclosing(cast("Any", events)):
            async for event in self._while_signed_in(context, lambda: anext(events)):
                yield told(event)

    async def _while_signed_in(self, context: Context, following: Callable[[], Awaitable[Item]]) -> AsyncIterator[Item]:
        """What `following` gives, one after the other, until the service stops or the caller's session ends."""
        ends = [
            asyncio.create_task(self._stopping.wait()),
            asyncio.create_task(self._signed_out(_token(context), caller())),
        ]
        coming = asyncio.ensure_future(following())
        try:
            while True:
                await asyncio.wait([coming, *ends], return_when=asyncio.FIRST_COMPLETED)
                if any(end.done() for end in ends):
                    return
                yield coming.result()
                coming = asyncio.ensure_future(following())
        finally:
            for task in (coming, *ends):
                task.cancel()
            await asyncio.wait([coming, *ends])

    async def _signed_out(self, token: str, person: Caller) -> None:
        """Return when the token is good no more, or for another role; while that cannot be found out, it is good."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                if (await self._authenticate(token)).role != person.role:
                    return
            except Unauthenticated:
                return
            except Unavailable as error:
                log.warning("a stream goes on unchecked", reason=str(error))


def _since(request: pb.TailEventsRequest) -> float | None:
    """From which time on the caller wants to know; None: from now on."""
    if request.from_beginning:
        return 0.0
    return request.since.ToMicroseconds() / 1_000_000 if request.HasField("since") else None


def told(event: Event) -> pb.TailEventsResponse:
    """An event as operators see it."""
    return pb.TailEventsResponse(
        topic=event.topic,
        event_id=event.event_id,
        key=event.key,
        time=timestamp(event.time),
        data=_json(event),
        reason=event.reason,
    )


def _json(event: Event) -> str:
    """The data; what is no JSON, or cannot be told as such, as base64."""
    try:
        told = json.dumps(json.loads(event.data), ensure_ascii=False)
        told.encode()  # half a surrogate pair is in no UTF-8
    except (ValueError, RecursionError):
        return json.dumps(b64encode(event.data).decode())
    return told


_MESSAGES = events_pb2.DESCRIPTOR.message_types_by_name
KINDS: dict[str, type[Message]] = {
    topic: kind for kind in (getattr(events_pb2, name) for name in _MESSAGES) if (topic := topic_of(kind))
}
"""Every kind of event, by its topic."""


def _token(context: Context) -> str:
    metadata = dict(context.invocation_metadata() or ())
    return str(metadata.get(AUTHORIZATION_KEY, "")).partition(" ")[2].strip()
