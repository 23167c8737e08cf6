"""Seasons belong to series, episodes to seasons or series, and films to nothing.

The kind of a title never changes and each kind has its place below another one, so there can be no cycle.
"""

from control.database import Connection, titles
from control.database.titles import Title
from matinee.errors import InvalidInput, NotFound

PARENTS = {"film": (), "series": (), "season": ("series",), "episode": ("season", "series")}
"""Below what each kind stands."""
WITH_MEDIA = frozenset({"film", "episode"})


async def check_place(connection: Connection, title: Title) -> None:
    """Raise `InvalidInput` for a title that does not belong where it says, `NotFound` when nothing is there."""
    allowed = PARENTS[title.kind]
    if not allowed:
        if title.parent_id or title.number:
            raise InvalidInput(f"a {title.kind} belongs to nothing: leave parent_id and number away")
        return
    if not title.parent_id or title.number < 1:
        raise InvalidInput(f"{_indefinite(title.kind)} needs parent_id, and a number from 1")
    above = await titles.find(connection, title.parent_id, lock=True)
    if above is None:
        raise NotFound("there is no title of this parent_id")
    if above.kind not in allowed:
        places = " or ".join(map(_indefinite, allowed))
        raise InvalidInput(f"{_indefinite(title.kind)} belongs to {places}, and not to {_indefinite(above.kind)}")


async def below(connection: Connection, title: Title) -> list[Title]:
    """The seasons and episodes of a title, of every level; nobody else changes them before this transaction ends."""
    found: list[Title] = []
    for child in await titles.children(connection, title.title_id, lock=True):
        found += [child, *await below(connection, child)]
    return found


def _indefinite(kind: str) -> str:
    return f"an {kind}" if kind == "episode" else f"a {kind}"
