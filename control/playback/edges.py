"""EdgeService: grants for edges, and the stream on which each edge hears what changed."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from typing_extensions import override

from control import inputs, messages
from control.database import Connection, Database, playback_sessions
from control.playback.access import Access
from control.playback.announcer import Announcer, Inbox, post
from control.playback.ending import keep
from control.playback.session import PlaybackSession, moved
from control.playback.session_states import Event, State
from matinee.errors import InvalidInput, MatineeError, PermissionDenied
from matinee.rpc import Context
from matinee.tokens import Clock
from protos.v1 import playback_pb2 as pb
from protos.v1.playback_pb2_grpc import EdgeServiceServicer

MOST_SESSIONS = 10_000
ENDED = "the playback session has ended"


class EdgeService(EdgeServiceServicer):
    """A grant lasts `grant_seconds`; an edge that reports a session as active has it renewed.

    A session that comes back after a while, or whose review is due, is looked at again before it gets a grant.
    """

    def __init__(
        self, database: Database, announcer: Announcer, access: Access, clock: Clock, *, grant_seconds: float
    ) -> None:
        self._database = database
        self._announcer = announcer
        self._access = access
        self._clock = clock
        self._grant_seconds = grant_seconds

    @override
    async def GetGrant(self, request: pb.GetGrantRequest, context: Context) -> pb.GetGrantResponse:
        session_id = inputs.identifier("session_id", request.session_id)
        async with self._database.read() as connection:
            session = await playback_sessions.find(connection, session_id)
        if session is None or session.state is State.STOPPED or session.expires_at <= self._clock():
            raise PermissionDenied(f"{ENDED}; play the title again")
        if session.asset_id != request.asset_id:
            raise PermissionDenied("the playback session is for another title")
        if self._access.needs_look(session):
            async with self._database.write() as connection:
                session, refusal = await self._seen(connection, session)
            if refusal is not None:
                raise PermissionDenied(str(refusal))
        return pb.GetGrantResponse(grant=self._grant(session))

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
        """Grants for those sessions of a report that may go on; the end of the others."""
        if len(session_ids) > MOST_SESSIONS:
            raise InvalidInput(f"a report names more than {MOST_SESSIONS} sessions")
        for session_id in session_ids:
            inputs.identifier("active_session_ids", session_id)
        now, going_on = self._clock(), list[PlaybackSession]()
        async with self._database.write() as connection:
            found = await playback_sessions.among(connection, session_ids, now)
            gone = dict.fromkeys(set(session_ids) - {session.session_id for session in found}, ENDED)
            for known in sorted(found, key=lambda session: session.account_id):
                session, refusal = await self._seen(connection, known)
                if refusal is None:
                    going_on.append(session)
                else:
                    gone[session.session_id] = str(refusal)
            await playback_sessions.seen(connection, [session.session_id for session in going_on], now)
        return pb.ConnectResponse(
            renewed=[self._grant(session) for session in going_on],
            revoked=[pb.Revocation(session_id=session_id, reason=gone[session_id]) for session_id in sorted(gone)],
        )

    async def _seen(
        self, connection: Connection, session: PlaybackSession
    ) -> tuple[PlaybackSession, MatineeError | None]:
        """A session that an edge serves, with why it may not go on; of most there is nothing to record but the time."""
        if self._access.needs_look(session):
            session, refusal = await self._access.look_again(connection, session)
            if refusal is not None:
                return session, refusal
        now, idle = self._clock(), self._access.playback.idle_seconds
        if session.idle(now, idle) or (session.state is State.PLAYING and session.stretch_began_at is None):
            session, turns = moved(session, Event.SEEN, now, idle=idle)
            await keep(connection, session, turns, self._clock)
        return session, None

    def _grant(self, session: PlaybackSession) -> pb.Grant:
        return messages.grant(session, self._clock(), self._grant_seconds)
