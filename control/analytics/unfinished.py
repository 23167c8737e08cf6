"""Continue watching: what an account began and may go on with."""

from collections.abc import AsyncIterator, Sequence

from control.catalogue.visibility import watchable
from control.database import Connection, history, titles
from control.database.history import Entry
from control.database.titles import Title

LOOKED_AT = 100
"""The latest entries of a history in which something to go on with is looked for."""
EPISODE = "episode"

Offer = tuple[Title, Entry]
"""What to go on with, and the entry that speaks for it."""


async def unfinished(connection: Connection, account_id: str, size: int, now: float) -> list[Offer]:
    """Up to `size` titles, latest first: those that were left before their end, and after an episode the next one."""
    entries = await history.page(connection, account_id, "", LOOKED_AT)
    offers: dict[str, Offer] = {}
    async for title, entry in _candidates(connection, entries):
        if len(offers) == size:
            break
        if watchable(title, now):
            offers.setdefault(title.title_id, (title, entry))
    return list(offers.values())


async def _candidates(connection: Connection, entries: Sequence[Entry]) -> AsyncIterator[Offer]:
    begun = {entry.title_id for entry in entries}
    known = await titles.among(connection, begun)
    for entry in entries:
        title = known.get(entry.title_id)
        if title is None:
            continue
        if entry.position_seconds > 0:
            yield title, entry
        elif entry.finished and title.kind == EPISODE:
            following = await _following(connection, title)
            if following is not None and following.title_id not in begun:
                yield following, entry


async def _following(connection: Connection, episode: Title) -> Title | None:
    later = [each for each in await titles.children(connection, episode.parent_id) if each.number > episode.number]
    return min(later, key=lambda each: each.number, default=None)
