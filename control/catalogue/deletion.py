"""What goes when a title or a version of it is deleted, and what forbids it."""

from collections.abc import Sequence

from control.catalogue.hierarchy import below
from control.database import Connection, assets, jobs, playback_sessions, removals, titles
from control.database.titles import Title
from control.playback.ending import end_of_title
from matinee.errors import Conflict, NotFound
from matinee.layout import artwork_prefix, asset_prefix, span_prefix, upload_prefix
from matinee.tokens import Clock

DELETED = "the title was deleted"


async def delete_title(connection: Connection, title: Title, clock: Clock, *, force: bool) -> None:
    """Remove a title with all that belongs to it; who watches it hears that it was deleted.

    Raises `Conflict`, unless `force` is set, when somebody watches it, or when it has seasons or episodes.
    """
    children = await below(connection, title)
    if children and not force:
        raise Conflict(f"the {title.kind} has seasons or episodes ({len(children)}); delete them first, or force it")
    doomed, now = [title, *children], clock()
    watching = [session for each in doomed for session in await _watching(connection, each.title_id, now)]
    if watching and not force:
        raise Conflict(f"the title is being watched ({_sessions(watching)}); delete it later, or force it")
    for each in doomed:
        await end_of_title(connection, each.title_id, DELETED, clock)
        await removals.note(connection, await _prefixes(connection, each), now)
        await titles.remove(connection, each.title_id)


async def delete_asset(connection: Connection, title: Title, asset_id: str, now: float) -> None:
    """Remove a version with its media. Raises `Conflict` for the active one, and while somebody watches it."""
    asset = await assets.find(connection, asset_id)
    if asset is None or asset.title_id != title.title_id:
        raise NotFound("the title has no such version")
    if asset_id == title.asset_id:
        raise Conflict("this version is the one that is played; activate another one first")
    if watching := await _watching(connection, title.title_id, now, asset_id):
        raise Conflict(f"this version is being watched ({_sessions(watching)}); delete it later")
    await removals.note(connection, [asset_prefix(asset_id)], now)
    await assets.remove(connection, asset_id)


async def _watching(connection: Connection, title_id: str, now: float, asset_id: str = "") -> list[str]:
    """The open playback sessions of a title, or of one of its versions."""
    sessions = await playback_sessions.of_title(connection, title_id)
    return [each.session_id for each in sessions if each.expires_at > now and asset_id in {"", each.asset_id}]


def _sessions(watching: Sequence[str]) -> str:
    return f"{len(watching)} playback session{'s' * (len(watching) != 1)}"


async def _prefixes(connection: Connection, title: Title) -> list[str]:
    """Where the objects of a title lie: its uploads, what was encoded of them, its versions and its pictures."""
    uploads = [job.upload_id for job in await jobs.of_title(connection, title.title_id)]
    made = [prefix(upload) for upload in uploads for prefix in (upload_prefix, span_prefix)]
    versions = [asset_prefix(asset.asset_id) for asset in await assets.of_title(connection, title.title_id)]
    return [*made, *versions, artwork_prefix(title.title_id)]
