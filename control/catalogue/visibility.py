"""Who may know of a title, and when it can be watched."""

from control import inputs
from control.callers import caller
from control.database import Connection, titles
from control.database.titles import Title
from matinee.errors import NotFound
from protos.v1.access_pb2 import ACCESS_PUBLISHER


def available(title: Title, now: float) -> bool:
    """Whether it is within a title's window of availability (from, until)."""
    begun = title.available_from is None or title.available_from <= now
    return begun and (title.available_until is None or now < title.available_until)


def visible(title: Title, now: float) -> bool:
    """Whether viewers see a title: it is published, and available."""
    return title.published and available(title, now)


def watchable(title: Title, now: float) -> bool:
    """Whether a title can be played: viewers see it, and it has media. Publishers see drafts, but play none."""
    return visible(title, now) and bool(title.asset_id)


def seen_from(now: float) -> float | None:
    """At which moment the caller sees the catalogue: viewers now; None for publishers, who see all of it always."""
    return None if caller().may(ACCESS_PUBLISHER) else now


async def known(connection: Connection, title_id: str, now: float, *, lock: bool = False) -> Title:
    """The title, if the caller may know of it. Raises `NotFound`, also for a draft that a viewer asks for."""
    title = await titles.find(connection, inputs.identifier("title_id", title_id), lock=lock)
    if title is None or not (visible(title, now) or caller().may(ACCESS_PUBLISHER)):
        raise NotFound("there is no such title")
    return title
