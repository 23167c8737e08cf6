"""Continue watching: what an account began and may go on with now, by the title's window and by the account's plan."""

from collections.abc import AsyncIterator, Callable, Sequence

from control.catalogue.visibility import visible, watchable
from control.database import Connection, history, titles
from control.database.history import Entry
from control.database.titles import Title
from control.playback.resumption import followed_up
from control.subscriptions import ledger
from control.subscriptions.entitlement import Standing, refusal

LOOKED_AT = 100
"""The latest entries of a history in which something to go on with is looked for."""
EPISODE, SEASON = "episode", "season"

Offer = tuple[Title, Entry]
"""What to go on with, and the entry that speaks for it."""


async def unfinished(connection: Connection, standing: Standing, size: int, now: float) -> list[Offer]:
    """Up to `size` titles, latest first: those that were left before their end, and after an episode the next one."""
    latest = await history.page(connection, standing.account_id, "", LOOKED_AT)
    entries = await followed_up(connection, standing.account_id, latest, now)
    offers: dict[str, Offer] = {}
    async for title, entry in _candidates(connection, entries, now):
        if len(offers) == size:
            break
        if watchable(title, now) and not refusal(standing, await ledger.wanted(connection, title)):
            offers.setdefault(title.title_id, (title, entry))
    return list(offers.values())


async def _candidates(connection: Connection, entries: Sequence[Entry], now: float) -> AsyncIterator[Offer]:
    begun = {entry.title_id for entry in entries}
    known = await titles.among(connection, begun)
    for entry in entries:
        title = known.get(entry.title_id)
        if title is None:
            continue
        if entry.position_seconds > 0:
            yield title, entry
        elif entry.finished and title.kind == EPISODE:
            following = await _following(connection, title, now)
            if following is not None and following.title_id not in begun:
                yield following, entry


async def _following(connection: Connection, episode: Title, now: float) -> Title | None:
    """The first one behind an episode that can be played, in the seasons behind its own too: viewers see no gap."""
    following = await _first(connection, episode.parent_id, watchable, now, above=episode.number)
    season = None if following else await titles.find(connection, episode.parent_id)
    while following is None and season is not None and season.kind == SEASON:
        season = await _first(connection, season.parent_id, visible, now, above=season.number)
        following = await _first(connection, season.title_id, watchable, now) if season else None
    return following


async def _first(
    connection: Connection, parent_id: str, is_open: Callable[[Title, float], bool], now: float, *, above: int = 0
) -> Title | None:
    """The first part of a series or a season that has a higher number and is open to viewers now."""
    later = (
        each for each in await titles.children(connection, parent_id) if each.number > above and is_open(each, now)
    )
    return min(later, key=lambda each: each.number, default=None)
