"""Access: who may watch what, decided when playback begins and again whenever that may have changed."""

from dataclasses import dataclass, replace

from control.catalogue.visibility import available
from control.database import Connection, announcements, playback_sessions, subscriptions, titles
from control.database.titles import Title
from control.playback.ending import end_sessions, refusals_of_ended
from control.playback.session import PlaybackSession
from control.playback.session_states import State
from control.playback.streams import in_use, room_makers
from control.subscriptions import entitlement, ledger
from control.subscriptions.entitlement import Allowance, Standing
from matinee.errors import Cause, MatineeError, NotFound, ResourceExhausted
from matinee.settings import PlaybackSettings, SubscriptionSettings
from matinee.tokens import Clock

TAKEN_OVER = "playback goes on on another device"
TOO_MANY = "your plan allows fewer streams now"
CLOSED = "this title is not available any more"


@dataclass(frozen=True)
class Access:
    """All methods work in the caller's transaction, and have the account to themselves until it ends."""

    free: SubscriptionSettings
    playback: PlaybackSettings
    clock: Clock

    async def standing(self, connection: Connection, account_id: str) -> Standing:
        """What an account is to us now. Raises `NotFound` when there is none."""
        role = await subscriptions.hold(connection, account_id)
        if role is None:
            raise NotFound("there is no such account")
        return await ledger.standing(connection, account_id, role, self.clock())

    async def catch_up(self, connection: Connection, account_id: str) -> Standing:
        """The same, once it is recorded what time has made of its subscription."""
        standing = await self.standing(connection, account_id)
        await ledger.catch_up(connection, [account_id], self.clock)
        return standing

    def limits(self, standing: Standing) -> Allowance:
        """How an account may play."""
        return entitlement.allowance(standing, self.free)

    async def refusal(self, connection: Connection, standing: Standing, title: Title) -> str:
        """Why an account may not watch a title; empty when it may. Outside its window nobody may."""
        if not available(title, self.clock()):
            return CLOSED
        return entitlement.refusal(standing, await ledger.wanted(connection, title))

    async def make_room(self, connection: Connection, session: PlaybackSession, *, take_over: bool) -> None:
        """End what has to end so that a session may be in use. Raises `ResourceExhausted` when it is one too many."""
        standing = await self.standing(connection, session.account_id)
        known = await playback_sessions.of_account(connection, session.account_id)
        streams = in_use(known, self.clock(), self.playback.idle_seconds)
        take_over = take_over or self.playback.too_many_streams == "take_over"
        ending = room_makers(session, streams, self.limits(standing).max_streams, take_over=take_over)
        await end_sessions(connection, ending, TAKEN_OVER, self.clock)

    def needs_look(self, session: PlaybackSession) -> bool:
        """Whether a session may go on only once it has been looked at: it comes back, or its review is due."""
        now = self.clock()
        due = session.review_at is not None and session.review_at <= now
        return due or session.idle(now, self.playback.idle_seconds)

    async def look_again(
        self, connection: Connection, session: PlaybackSession
    ) -> tuple[PlaybackSession, MatineeError | None]:
        """The session as it is now, and why it may not go on: it was ended, or comes back as one stream too many."""
        await self.review(connection, session.account_id)
        known = await playback_sessions.find(connection, session.session_id)
        session = known or session
        if known is None or known.state is State.STOPPED:  # there is none when its title was deleted meanwhile
            return session, (await refusals_of_ended(connection, [session.session_id]))[session.session_id]
        if session.idle(self.clock(), self.playback.idle_seconds):
            try:
                await self.make_room(connection, session, take_over=False)
            except ResourceExhausted as refusal:
                return session, refusal
        return session, None

    async def review(self, connection: Connection, account_id: str) -> None:
        """Look again at all that an account plays: end what it may not, and tell edges of limits that changed."""
        standing, kept = await self.catch_up(connection, account_id), list[PlaybackSession]()
        sessions = await playback_sessions.of_account(connection, account_id)
        known = await titles.among(connection, {session.title_id for session in sessions})
        for session in sessions:
            title = known[session.title_id]
            if reason := await self.refusal(connection, standing, title):
                cause = Cause.PLAN_REQUIRED if available(title, self.clock()) else Cause.TITLE_UNAVAILABLE
                await end_sessions(connection, [session], reason, self.clock, cause=cause)
            else:
                kept.append(replace(session, review_at=review_at(standing, title)))
        await self._limit(connection, standing, kept)

    async def _limit(self, connection: Connection, standing: Standing, sessions: list[PlaybackSession]) -> None:
        """Apply the limits to sessions that may go on; of too many streams those begun last end."""
        limits, now = self.limits(standing), self.clock()
        surplus = in_use(sessions, now, self.playback.idle_seconds)[limits.max_streams :] if limits.max_streams else []
        await end_sessions(connection, surplus, TOO_MANY, self.clock)
        kept = [session for session in sessions if session not in surplus]
        await playback_sessions.save(connection, [replace(session, max_height=limits.max_height) for session in kept])
        changed = [session.session_id for session in kept if session.max_height != limits.max_height]
        await announcements.announce_change(connection, changed, now)


def review_at(standing: Standing, title: Title) -> float | None:
    """When time will change what an account may watch of a title: its period ends, or the title's window."""
    return min(filter(None, (standing.until, title.available_until)), default=None)
