"""PlaybackService: opens playback sessions, lists them and ends them."""

from collections.abc import Sequence

from typing_extensions import override

from control import inputs, messages
from control.accounts.keyring import Keyring
from control.callers import Caller, caller
from control.catalogue.visibility import watchable
from control.database import Connection, Database, announcements, playback_sessions, titles
from control.database.playback_sessions import PlaybackSession
from control.database.titles import Title
from control.identifiers import new_id
from control.pages import PageRequest
from control.playback.announcer import Announcer
from matinee import delivery
from matinee.errors import NotFound
from matinee.rpc import Context
from matinee.tokens import Clock
from protos.v1 import playback_pb2 as pb
from protos.v1.access_pb2 import ACCESS_ADMIN
from protos.v1.playback_pb2_grpc import PlaybackServiceServicer

LONGEST_DEVICE = 100
MOST_SESSIONS = 100
"""Most open sessions of one account: a family with every film that it began half a day ago, but no crowd."""
STOPPED = "playback was stopped"
CROWDED_OUT = "this account has opened too many playback sessions since"


class PlaybackService(PlaybackServiceServicer):
    """A playback session is open from Play until it is stopped, or until its URLs expire after `token_seconds`.

    An account has MOST_SESSIONS at most: one more ends the one that has been out of use for longest.
    """

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        announcer: Announcer,
        clock: Clock,
        public_url: str,
        token_seconds: float,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._announcer = announcer
        self._clock = clock
        self._public_url = public_url
        self._token_seconds = token_seconds

    @override
    async def Play(self, request: pb.PlayRequest, context: Context) -> pb.PlayResponse:
        device = inputs.line("device", request.device, LONGEST_DEVICE, needed=False)
        async with self._database.write() as connection:
            title = await titles.find(connection, inputs.identifier("title_id", request.title_id))
            if title is None or not watchable(title, self._clock()):
                raise NotFound("there is no such title")
            session = self._opened(title, device)
            crowded_out = await playback_sessions.unused_longest(connection, session.account_id, MOST_SESSIONS - 1)
            await self._end(connection, crowded_out, CROWDED_OUT)
            await playback_sessions.add(connection, session)
        if crowded_out:
            self._announcer.wake()
        return self._answer(session)

    @override
    async def ListPlaybackSessions(
        self, request: pb.ListPlaybackSessionsRequest, context: Context
    ) -> pb.ListPlaybackSessionsResponse:
        asked, now = PageRequest.read(request.page_size, request.page_token), self._clock()
        owner = _owner(caller())
        async with self._database.read() as connection:
            found = await playback_sessions.page(connection, asked.before, asked.look_ahead, account_id=owner, now=now)
        page = asked.cut(found, lambda session: session.session_id)
        sessions = [messages.playback_session(session) for session in page.items]
        return pb.ListPlaybackSessionsResponse(sessions=sessions, next_page_token=page.next_token)

    @override
    async def StopPlayback(self, request: pb.StopPlaybackRequest, context: Context) -> pb.StopPlaybackResponse:
        session_id, owner = inputs.identifier("session_id", request.session_id), _owner(caller())
        async with self._database.write() as connection:
            session = await playback_sessions.find(connection, session_id)
            if session is None or owner not in {None, session.account_id}:
                raise NotFound("there is no such playback session")
            await self._end(connection, [session_id], STOPPED)
        self._announcer.wake()
        return pb.StopPlaybackResponse()

    async def _end(self, connection: Connection, session_ids: Sequence[str], reason: str) -> None:
        for session_id in session_ids:
            await playback_sessions.end(connection, session_id)
        await announcements.revoke(connection, session_ids, reason, self._clock())

    def _opened(self, title: Title, device: str) -> PlaybackSession:
        now = self._clock()
        return PlaybackSession(
            session_id=new_id(self._clock),
            title_id=title.title_id,
            account_id=caller().account_id,
            asset_id=title.asset_id,
            device=device,
            started_at=now,
            last_seen_at=now,
            expires_at=float(int(now + self._token_seconds)),
        )

    def _answer(self, session: PlaybackSession) -> pb.PlayResponse:
        token = delivery.mint(
            self._keyring.signing_key(),
            session.asset_id,
            session.session_id,
            now=session.started_at,
            expires_at=session.expires_at,
        )
        hls, dash = delivery.urls(self._public_url, session.asset_id, token)
        return pb.PlayResponse(
            hls=hls, dash=dash, session_id=session.session_id, expires_at=messages.timestamp(session.expires_at)
        )


def _owner(person: Caller) -> str | None:
    """Whose sessions a person may see and stop: their own; None for an admin, who may all."""
    return None if person.may(ACCESS_ADMIN) else person.account_id
