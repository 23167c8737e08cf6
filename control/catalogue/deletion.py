"""What goes when a title or a version of it is deleted, and what forbids it."""

from collections.abc import Sequence

from control.catalogue.hierarchy import below
from control.catalogue.publication import withdraw
from control.database import Connection, announcements, assets, jobs, playback_sessions, removals, titles
from control.database.titles import Title
from control.playback.ending import end_sessions
from control.playback.session import PlaybackSession
from control.playback.session_states import State
from matinee.errors import Cause, Conflict, NotFound
from matinee.layout import artwork_prefix, asset_prefix, span_prefix, upload_prefix
from matinee.tokens import Clock

DELETED = "the title was deleted"
REPLACED = "this version of the title was removed; play the title again"


async def delete_title(connection: Connection, title: Title, clock: Clock, *, idle: float, force: bool) -> None:
    """Remove a title, which the caller holds, with all that belongs to it; who watches it hears that it was deleted.

    All titles are held before anything that is of one: whoever holds both begins with the title.

    Raises `Conflict`, unless `force` is set, when somebody watches it, or when it has seasons or episodes. Nobody
    watches who was not heard of for `idle` seconds, and had not paused.
    """
    children = await below(connection, title)
    if children and not force:
        raise Conflict(f"the {title.kind} has seasons or episodes ({len(children)}); delete them first, or force it")
    doomed, now = [title, *children], clock()
    sessions = [session for each in doomed for session in await playback_sessions.of_title(connection, each.title_id)]
    watching = _watching(sessions, now, idle)
    if watching and not force:
        raise Conflict(f"the title is being watched ({_sessions(watching)}); delete it later, or force it")
    await end_sessions(connection, sessions, DELETED, clock, cause=Cause.TITLE_UNAVAILABLE)
    for each in doomed:
        await removals.note(connection, await _prefixes(connection, each), now)
        await titles.remove(connection, each.title_id)
    await withdraw(connection, doomed, now)
    for account_id in sorted({session.account_id for session in sessions}):  # nothing is left of its sessions to tell
        await announcements.announce_account(connection, account_id, now)


async def delete_asset(connection: Connection, title: Title, asset_id: str, clock: Clock, *, idle: float) -> None:
    """Remove a version with its media. Raises `Conflict` for the active one, and while somebody watches it."""
    asset, now = await assets.find(connection, asset_id), clock()
    if asset is None or asset.title_id != title.title_id:
        raise NotFound("the title has no such version")
    if asset_id == title.asset_id:
        raise Conflict("this version is the one that is played; activate another one first")
    of_title = await playback_sessions.of_title(connection, title.title_id)
    sessions = [session for session in of_title if session.asset_id == asset_id]
    if watching := _watching(sessions, now, idle):
        raise Conflict(f"this version is being watched ({_sessions(watching)}); delete it later")
    await end_sessions(connection, sessions, REPLACED, clock)
    await removals.note(connection, [asset_prefix(asset_id)], now)
    await assets.remove(connection, asset_id)


def _watching(sessions: Sequence[PlaybackSession], now: float, idle: float) -> list[PlaybackSession]:
    """Those that somebody watches: they are in use, or stand where their viewer has paused."""
    current = [session for session in sessions if session.expires_at > now]
    return [session for session in current if session.state is State.PAUSED or not session.idle(now, idle)]


def _sessions(watching: Sequence[PlaybackSession]) -> str:
    return f"{len(watching)} playback session{'s' * (len(watching) != 1)}"


async def _prefixes(connection: Connection, title: Title) -> list[str]:
    """Where the objects of a title lie: its uploads, what was encoded of them, its versions and its pictures."""
    uploads = [job.upload_id for job in await jobs.of_title(connection, title.title_id)]
    made = [prefix(upload) for upload in uploads for prefix in (upload_prefix, span_prefix)]
    versions = [asset_prefix(asset.asset_id) for asset in await assets.of_title(connection, title.title_id)]
    return [*made, *versions, artwork_prefix(title.title_id)]
