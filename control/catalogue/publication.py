"""How titles are shown to viewers, and in which version: each change with its event, in the caller's transaction.

What viewers may see only later is announced then.
"""

from collections.abc import Iterable
from dataclasses import replace

from control.catalogue.hierarchy import WITH_MEDIA
from control.catalogue.visibility import visible
from control.database import Connection, announcements, assets, outbox, premieres, titles
from control.database.assets import Asset
from control.database.titles import Title
from control.timestamps import timestamp
from matinee.errors import Conflict
from matinee.tokens import Clock
from protos.v1.events_pb2 import TitlePublished


async def publish(connection: Connection, title: Title, clock: Clock) -> Title:
    """Show a title to viewers. Raises `Conflict` when it needs media and has none."""
    if title.published:
        return title
    if title.kind in WITH_MEDIA and not title.asset_id:
        raise Conflict("the title has no media yet: upload its film first")
    return await _recorded(connection, replace(title, published=True, published_at=clock()), clock)


async def unpublish(connection: Connection, title: Title, now: float) -> Title:
    """Hide a title from viewers. Wake the announcer afterwards."""
    hidden = replace(title, published=False)
    await titles.save(connection, hidden)
    await premieres.cancel(connection, title.title_id)
    await withdraw(connection, [title], now)
    return hidden


async def add_version(
    connection: Connection, title: Title, asset: Asset, clock: Clock, *, draft: bool = False
) -> Title:
    """Record a version that has been made, and have it played from now on; a title's first one publishes it.

    A title that was unpublished stays so, and one that shall wait as a `draft`. Raises `Conflict` when the asset is
    another title's.
    """
    known = await assets.find(connection, asset.asset_id)
    if known is not None and known.title_id != title.title_id:
        raise Conflict("the asset belongs to another title")
    if known is None:
        await assets.add(connection, asset)
    if not (title.asset_id or draft):
        title = replace(title, published=True, published_at=clock())
    return await activate(connection, title, known or asset, clock)


async def activate(connection: Connection, title: Title, asset: Asset, clock: Clock) -> Title:
    """Have a version played from now on. Who watches another goes on with it."""
    active = replace(
        title,
        asset_id=asset.asset_id,
        duration_seconds=asset.duration_seconds,
        width=asset.width,
        height=asset.height,
        audio_languages=asset.audio_languages,
        size_bytes=asset.size_bytes,
    )
    if not active.published:
        await titles.save(connection, active)
        return active
    return await _recorded(connection, active, clock)


async def announce(connection: Connection, title: Title, clock: Clock) -> None:
    """Say that a title can be watched from now on, or in a new version."""
    await premieres.cancel(connection, title.title_id)
    event = TitlePublished(
        title_id=title.title_id,
        asset_id=title.asset_id,
        name=title.name,
        kind=title.kind,
        time=timestamp(clock()),
    )
    await outbox.record(connection, event, clock)


async def shift(connection: Connection, former: Title, title: Title, now: float) -> None:
    """Say of a title whose window was changed that viewers see it no more, or as soon as they see it again."""
    if not visible(title, now):
        await withdraw(connection, [former], now)
    if title.published and _window(title) != _window(former) and not (visible(former, now) and visible(title, now)):
        await premieres.put_off(connection, title.title_id)


async def withdraw(connection: Connection, former: Iterable[Title], now: float) -> None:
    """Say of titles, as they were, that they are shown no more: nobody hears of one that viewers did not see."""
    seen = [title.title_id for title in former if visible(title, now)]
    await announcements.announce_withdrawal(connection, seen, now)


async def _recorded(connection: Connection, title: Title, clock: Clock) -> Title:
    """Save a title that is published, or has a new version, and say so as soon as viewers see it."""
    await titles.save(connection, title)
    if visible(title, clock()):
        await announce(connection, title, clock)
    else:
        await premieres.put_off(connection, title.title_id)
    return title


def _window(title: Title) -> tuple[float | None, float | None]:
    return title.available_from, title.available_until
