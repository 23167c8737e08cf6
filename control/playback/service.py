"""PlaybackService: opens playback sessions, hears from their players, lists them and ends them."""

from typing_extensions import override

from control import inputs
from control.accounts.keyring import Keyring
from control.callers import Caller, caller
from control.catalogue.visibility import watchable
from control.database import (
    Connection,
    Database,
    announcements,
    playback_sessions,
    sessions,
    subscriptions,
    titles,
)
from control.database.titles import Title
from control.identifiers import new_id
from control.pages import PageRequest
from control.playback import messages
from control.playback.access import Access, review_at
from control.playback.announcer import Announcer
from control.playback.devices import named_device, register
from control.playback.ending import end_sessions, keep_all
from control.playback.own_devices import OwnDevices
from control.playback.resumption import resume_point
from control.playback.session import LEAVING, PlaybackSession, moved
from control.playback.session_states import Event, State
from control.playback.streams import crowd
from control.subscriptions.entitlement import Standing
from control.timestamps import timestamp
from matinee import delivery
from matinee.errors import MatineeError, NotFound, PermissionDenied, Unauthenticated
from matinee.rpc.server import Context
from matinee.tokens import Clock
from protos.v1 import playback_pb2 as pb
from protos.v1.access_pb2 import ACCESS_ADMIN

STOPPED = "playback was stopped"
CROWDED_OUT = "this account has opened too many playback sessions since"


class PlaybackService(OwnDevices):
    """A playback session is open from Play until it is stopped, or until its URLs expire after `token_seconds`."""

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        announcer: Announcer,
        access: Access,
        clock: Clock,
        public_url: str,
        token_seconds: float,
    ) -> None:
        super().__init__(database, announcer, clock)
        self._keyring = keyring
        self._access = access
        self._public_url = public_url
        self._token_seconds = token_seconds

    @override
    async def Play(self, request: pb.PlayRequest, context: Context) -> pb.PlayResponse:
        title_id, device = inputs.identifier("title_id", request.title_id), named_device(request)
        session = await self._database.transact(
            lambda connection: self._begun(connection, title_id, device, take_over=request.take_over)
        )
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
        page = asked.cut(found, lambda one: one[0].session_id)
        sessions = [messages.playback_session(session, title_name) for session, title_name in page.items]
        return pb.ListPlaybackSessionsResponse(sessions=sessions, next_page_token=page.next_token)

    @override
    async def PausePlayback(self, request: pb.PausePlaybackRequest, context: Context) -> pb.PausePlaybackResponse:
        return pb.PausePlaybackResponse(session=await self._move(request.session_id, Event.PAUSE, _position(request)))

    @override
    async def ResumePlayback(self, request: pb.ResumePlaybackRequest, context: Context) -> pb.ResumePlaybackResponse:
        return pb.ResumePlaybackResponse(session=await self._move(request.session_id, Event.RESUME, _position(request)))

    @override
    async def SeekPlayback(self, request: pb.SeekPlaybackRequest, context: Context) -> pb.SeekPlaybackResponse:
        position = inputs.seconds("position_seconds", request.position_seconds)
        session = await self._move(request.session_id, Event.SEEK, position)
        self._announcer.wake()
        return pb.SeekPlaybackResponse(session=session)

    @override
    async def ReportPlayback(self, request: pb.ReportPlaybackRequest, context: Context) -> pb.ReportPlaybackResponse:
        position = inputs.seconds("position_seconds", request.position_seconds)
        return pb.ReportPlaybackResponse(session=await self._move(request.session_id, Event.REPORT, position))

    @override
    async def StopPlayback(self, request: pb.StopPlaybackRequest, context: Context) -> pb.StopPlaybackResponse:
        await self._move(request.session_id, Event.STOP, _position(request))
        self._announcer.wake()
        return pb.StopPlaybackResponse()

    async def _begun(
        self, connection: Connection, title_id: str, device: tuple[str, str], *, take_over: bool
    ) -> PlaybackSession:
        """A new session of the caller. The title first, as who deletes it does: else each could wait for the other."""
        person, title = caller(), await titles.keep(connection, title_id)
        if title is None or not watchable(title, self._clock()):
            raise NotFound("there is no such title")
        standing = await self._access.standing(connection, person.account_id)
        if not await sessions.hold(connection, person.session_id):  # who ended it did not see this playback
            raise Unauthenticated("the session has ended; sign in again")
        if reason := await self._access.refusal(connection, standing, title):
            raise PermissionDenied(reason)
        session = await self._opened(connection, person, title, device, standing)
        await self._access.make_room(connection, session, take_over=take_over)
        known = await playback_sessions.of_account(connection, person.account_id)
        await end_sessions(connection, crowd(known), CROWDED_OUT, self._clock)
        await playback_sessions.add(connection, session)
        return session

    async def _move(self, session_id: str, event: Event, position: float | None) -> pb.PlaybackSession:
        """Let something happen to a session of the caller, once it may go on."""
        known_id = inputs.identifier("session_id", session_id)

        async def work(connection: Connection) -> tuple[PlaybackSession, Title, MatineeError | None]:
            session, title = await self._own(connection, known_id)
            session, refusal = await self._checked(connection, session, event)
            if refusal is None:
                session = await self._moved(connection, session, event, position)
            return session, title, refusal

        session, title, refusal = await self._database.transact(work)
        if refusal is not None:
            self._announcer.wake()
            raise refusal
        return messages.playback_session(session, title.name)

    async def _own(self, connection: Connection, session_id: str) -> tuple[PlaybackSession, Title]:
        """A session that the caller may move, with its title; its account is held."""
        owner, now = _owner(caller()), self._clock()
        found = await playback_sessions.find(connection, session_id)
        if found is None or owner not in {None, found.account_id} or found.expires_at <= now:
            raise NotFound("there is no such playback session")
        await subscriptions.hold(connection, found.account_id)
        session = await playback_sessions.find(connection, session_id, lock=True)
        title = await titles.find(connection, found.title_id)
        if session is None or title is None:
            raise NotFound("there is no such playback session")
        return session, title

    async def _checked(
        self, connection: Connection, session: PlaybackSession, event: Event
    ) -> tuple[PlaybackSession, MatineeError | None]:
        stays = event not in LEAVING and session.state is not State.STOPPED
        if stays and self._access.needs_look(session):
            return await self._access.look_again(connection, session)
        return session, None

    async def _moved(
        self, connection: Connection, session: PlaybackSession, event: Event, position: float | None
    ) -> PlaybackSession:
        ends = event is Event.STOP and session.state is not State.STOPPED
        idle = self._access.playback.idle_seconds
        session, turns = moved(session, event, self._clock(), idle=idle, position=position)
        await keep_all(connection, [(session, turns)], self._clock)
        if event is Event.SEEK:  # no event of the bus tells of it
            await announcements.announce_seek(connection, session.session_id, self._clock())
        if ends:
            await end_sessions(connection, [session], STOPPED, self._clock)
        return session

    async def _opened(
        self, connection: Connection, person: Caller, title: Title, device: tuple[str, str], standing: Standing
    ) -> PlaybackSession:
        """A new session on a device that is registered for it."""
        (own_id, name), limits, now = device, self._access.limits(standing), self._clock()
        await register(connection, person.account_id, own_id, name, limit=limits.max_devices, now=now)
        return PlaybackSession(
            session_id=new_id(self._clock),
            title_id=title.title_id,
            account_id=person.account_id,
            asset_id=title.asset_id,
            device=name,
            started_at=now,
            last_seen_at=now,
            expires_at=float(int(now + self._token_seconds)),
            device_id=own_id,
            login_id=person.session_id,
            max_height=limits.max_height,
            review_at=review_at(standing, title),
            position_seconds=await resume_point(connection, person.account_id, title, now),
            duration_seconds=title.duration_seconds,
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
            hls=hls,
            dash=dash,
            session_id=session.session_id,
            expires_at=timestamp(session.expires_at),
            resume_seconds=session.position_seconds,
            max_height=session.max_height,
        )


def _owner(person: Caller) -> str | None:
    """Whose sessions a person may see and move: their own; None for an admin, who may all."""
    return None if person.may(ACCESS_ADMIN) else person.account_id


def _position(request: pb.PausePlaybackRequest | pb.ResumePlaybackRequest | pb.StopPlaybackRequest) -> float | None:
    if not request.HasField("position_seconds"):
        return None
    return inputs.seconds("position_seconds", request.position_seconds)
