"""EdgeService: grants for edges, and the stream on which each edge hears what changed."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from typing_extensions import override

from control import inputs
from control.database import Connection, Database, playback_sessions, subscriptions
from control.playback import messages
from control.playback.access import Access
from control.playback.announcer import Announcer, Inbox, post
from control.playback.ending import keep_all, refusals_of_ended
from control.playback.session import PlaybackSession, moved
from control.playback.session_states import Event, State
from matinee.errors import InvalidInput, MatineeError, PermissionDenied
from matinee.rpc.server import Context
from matinee.tokens import Clock
from protos.v1 import playback_pb2 as pb
from protos.v1.playback_pb2_grpc import EdgeServiceServicer

MOST_SESSIONS = 10_000


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
                raise (await refusals_of_ended(connection, [session_id]))[session_id]
        if session.asset_id != request.asset_id:
            raise PermissionDenied("the playback session is for another title")
        if self._access.needs_look(session):
            session = await self._looked_at(session)
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
        going_on, gone = await self._database.transact(lambda connection: self._sorted(connection, session_ids))
        if gone:
            self._announcer.wake()
        return pb.ConnectResponse(
            renewed=[self._grant(session) for session in going_on],
            revoked=[_revocation(session_id, refusal) for session_id, refusal in sorted(gone.items())],
        )

    async def _sorted(
        self, connection: Connection, session_ids: Sequence[str]
    ) -> tuple[list[PlaybackSession], dict[str, MatineeError]]:
        """Those of these sessions that go on, with it noted that they are in use; and why the others do not."""
        now, refused = self._clock(), dict[str, MatineeError]()
        found = await self._held(connection, session_ids, now)
        looked_at = [session for session in found if self._access.needs_look(session)]
        for session in looked_at:
            _, refusal = await self._let_back(connection, session)
            if refusal is not None:
                refused[session.session_id] = refusal
        if looked_at:  # which may have ended others of these
            found = await playback_sessions.among(connection, session_ids, now)
        going_on = [session for session in found if session.session_id not in refused]
        missing = set(session_ids) - {session.session_id for session in found} - refused.keys()
        ended = await refusals_of_ended(connection, missing) if missing else {}
        await self._note(connection, going_on, now)
        return going_on, refused | ended

    async def _held(self, connection: Connection, session_ids: Sequence[str], now: float) -> list[PlaybackSession]:
        """The open ones of these sessions; nobody else moves those for which there is more to note than the time."""
        found = await playback_sessions.among(connection, session_ids, now)
        moving = {session.account_id for session in found if self._access.needs_look(session) or _begins(session)}
        if not moving:
            return found
        await subscriptions.hold_all(connection, sorted(moving))
        return await playback_sessions.among(connection, session_ids, now, lock=True)

    async def _looked_at(self, session: PlaybackSession) -> PlaybackSession:
        """A session that may go on and is in use again. Raises `PermissionDenied`."""
        looked_at, refusal = await self._database.transact(lambda connection: self._let_back(connection, session))
        if refusal is not None:
            self._announcer.wake()
            raise PermissionDenied(str(refusal), cause=refusal.cause)
        return looked_at

    async def _let_back(
        self, connection: Connection, session: PlaybackSession
    ) -> tuple[PlaybackSession, MatineeError | None]:
        """Look again at a session, and note at once that it is in use: the next one that comes back has to count it."""
        session, refusal = await self._access.look_again(connection, session)
        if refusal is None:
            await self._note(connection, [session], self._clock())
        return session, refusal

    async def _note(self, connection: Connection, sessions: Sequence[PlaybackSession], now: float) -> None:
        """Note that an edge serves these sessions; in most it is the middle of a stretch, and only the time changes."""
        idle = self._access.playback.idle_seconds
        turning = [session for session in sessions if session.idle(now, idle) or _begins(session)]
        await keep_all(connection, [moved(session, Event.SEEN, now, idle=idle) for session in turning], self._clock)
        steady = {session.session_id for session in sessions} - {session.session_id for session in turning}
        await playback_sessions.seen(connection, list(steady), now)

    def _grant(self, session: PlaybackSession) -> pb.Grant:
        return messages.grant(session, self._clock(), self._grant_seconds)


def _revocation(session_id: str, refusal: MatineeError) -> pb.Revocation:
    return pb.Revocation(session_id=session_id, reason=str(refusal), cause=refusal.cause)


def _begins(session: PlaybackSession) -> bool:
    """Whether a sign of life begins a stretch."""
    return session.state is State.PLAYING and session.stretch_began_at is None
