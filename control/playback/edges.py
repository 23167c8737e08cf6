"""EdgeService: grants for edges, and the stream on which each edge hears what changed."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from typing_extensions import override

from control import inputs, messages
from control.database import Database, playback_sessions
from control.playback.announcer import Announcer, Inbox, post
from matinee.errors import InvalidInput, PermissionDenied
from matinee.rpc import Context
from matinee.tokens import Clock
from protos.v1 import playback_pb2 as pb
from protos.v1.playback_pb2_grpc import EdgeServiceServicer

MOST_SESSIONS = 10_000
ENDED = "the playback session has ended"


class EdgeService(EdgeServiceServicer):
    """A grant lasts `grant_seconds`; an edge that reports a session as active has it renewed."""

    def __init__(self, database: Database, announcer: Announcer, clock: Clock, *, grant_seconds: float) -> None:
        self._database = database
        self._announcer = announcer
        self._clock = clock
        self._grant_seconds = grant_seconds

    @override
    async def GetGrant(self, request: pb.GetGrantRequest, context: Context) -> pb.GetGrantResponse:
        now = self._clock()
        async with self._database.read() as connection:
            session = await playback_sessions.find(connection, inputs.identifier("session_id", request.session_id))
        if session is None or session.expires_at <= now:
            raise PermissionDenied(f"{ENDED}; play the title again")
        if session.asset_id != request.asset_id:
            raise PermissionDenied("the playback session is for another title")
        return pb.GetGrantResponse(grant=messages.grant(session, self._grant_end(session, now)))

    @override
    async def Connect(
        self, request_iterator: AsyncIterator[pb.ConnectRequest], context: Context
    ) -> AsyncIterator[pb.ConnectResponse]:
        with self._announcer.listening() as inbox:
            # What happened while the edge was away: it fetches the keys anew, and its first report renews or ends.
            yield pb.ConnectResponse(keys_changed=True)
            reports = asyncio.create_task(self._answer_reports(request_iterator, inbox))
            try:
                while (response := await inbox.get()) is not None:
                    yield response
                if reports.done():
                    reports.result()
            finally:
                reports.cancel()

    async def _answer_reports(self, requests: AsyncIterator[pb.ConnectRequest], inbox: Inbox) -> None:
        try:
            async for request in requests:
                if request.active_session_ids:
                    await inbox.put(await self._renewal(request.active_session_ids))
        finally:
            post(inbox, None)

    async def _renewal(self, session_ids: Sequence[str]) -> pb.ConnectResponse:
        """Grants for those sessions of a report that are open; the end of the others."""
        if len(session_ids) > MOST_SESSIONS:
            raise InvalidInput(f"a report names more than {MOST_SESSIONS} sessions")
        for session_id in session_ids:
            inputs.identifier("active_session_ids", session_id)
        now = self._clock()
        async with self._database.write() as connection:
            found = await playback_sessions.among(connection, session_ids, now)
            await playback_sessions.seen(connection, [session.session_id for session in found], now)
        gone = set(session_ids) - {session.session_id for session in found}
        return pb.ConnectResponse(
            renewed=[messages.grant(session, self._grant_end(session, now)) for session in found],
            revoked=[pb.Revocation(session_id=session_id, reason=ENDED) for session_id in sorted(gone)],
        )

    def _grant_end(self, session: playback_sessions.PlaybackSession, now: float) -> float:
        return min(now + self._grant_seconds, session.expires_at)
