"""Streams of news and of events, as an edge has them open for pages."""

from typing import Any

from grpc.aio import EOF

from protos.v1 import notices_pb2 as pb
from protos.v1.notices_pb2_grpc import NoticeServiceStub
from tests.control_house import House, Metadata
from tests.patience import within


class Stream:
    """A stream that is open."""

    def __init__(self, call: Any) -> None:
        self._call = call

    @classmethod
    async def watch(cls, house: House, person: Metadata) -> "Stream":
        call = NoticeServiceStub(house.channel).WatchNotices(pb.WatchNoticesRequest(), metadata=person)
        await call.initial_metadata()
        return cls(call)

    @classmethod
    async def tail(cls, house: House, person: Metadata, **request: Any) -> "Stream":
        call = NoticeServiceStub(house.channel).TailEvents(pb.TailEventsRequest(**request), metadata=person)
        await call.initial_metadata()
        return cls(call)

    async def next(self) -> Any:
        return await self._call.read()

    async def next_of(self, kind: str) -> Any:
        """The next piece of news of a kind, whatever else is heard before it."""
        async with within(5):
            while not (news := await self.next()).HasField(kind):
                continue
        return news

    async def ended(self) -> str:
        """The status with which it has ended."""
        while await self._call.read() is not EOF:  # gRPC has no status for who leaves a message unread
            continue
        return str((await self._call.code()).name)

    def leave(self) -> None:
        self._call.cancel()
