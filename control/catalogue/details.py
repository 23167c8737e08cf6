"""What publishers tell of a title: each text, list and number within its bounds. Raises `InvalidInput`."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from control import inputs
from control.database.titles import Title
from control.database.words import label
from control.subscriptions.plan import plan_id
from matinee.declaration import LONGEST_TITLE
from matinee.errors import InvalidInput
from protos.v1 import catalogue_pb2 as pb

LONGEST_SYNOPSIS = 5_000
LONGEST_LABEL = 64
MOST_GENRES = 10
MOST_TAGS = 50
MOST_CAST = 100
LONGEST_PERSON = 100
LONGEST_RATING = 20
HIGHEST_NUMBER = 100_000
HIGHEST_AGE = 99
FIRST_YEAR, LAST_YEAR = 1870, 2200
LATEST_MOMENT = 253_402_300_799  # the last second of the year 9999, in which timestamps of protobuf end

_LANGUAGE = re.compile(r"[a-z]{3}")


def described(title: Title, told: pb.Title) -> Title:
    """A new title with all that is told of it."""
    return _with_window(
        replace(
            title,
            name=inputs.line("name", told.name, LONGEST_TITLE),
            synopsis=inputs.text("synopsis", told.synopsis, LONGEST_SYNOPSIS),
            parent_id=parent(told.parent_id),
            number=number(told.number),
            genres=labels("genres", told.genres, MOST_GENRES),
            tags=labels("tags", told.tags, MOST_TAGS),
            year=year(told.year),
            original_language=language("original_language", told.original_language),
            cast=cast(told.cast),
            rating=rating(told.rating),
            minimum_age=age("minimum_age", told.minimum_age),
            plan_id=plan(told.plan_id),
        ),
        told,
    )


def changed(title: Title, request: pb.UpdateTitleRequest) -> Title:
    """The title with what is set in a request in place of what it was."""
    checks: dict[str, Callable[[], Any]] = {
        "name": lambda: inputs.line("name", request.name, LONGEST_TITLE),
        "synopsis": lambda: inputs.text("synopsis", request.synopsis, LONGEST_SYNOPSIS),
        "parent_id": lambda: parent(request.parent_id),
        "number": lambda: number(request.number),
        "genres": lambda: labels("genres", request.genres.words, MOST_GENRES),
        "tags": lambda: labels("tags", request.tags.words, MOST_TAGS),
        "year": lambda: year(request.year),
        "original_language": lambda: language("original_language", request.original_language),
        "cast": lambda: cast(request.cast.members),
        "rating": lambda: rating(request.rating),
        "minimum_age": lambda: age("minimum_age", request.minimum_age),
        "plan_id": lambda: plan(request.plan_id),
    }
    given = {field.name for field, _ in request.ListFields()}
    changes = {field: check() for field, check in checks.items() if field in given}
    if request.clear_availability:
        title = replace(title, available_from=None, available_until=None)
    return _with_window(replace(title, **changes), request)


def access(title: Title) -> tuple[object, ...]:
    """All that says who may watch a title, and what belongs to it, and when."""
    return title.plan_id, title.tags, title.parent_id, title.available_from, title.available_until


def labels(name: str, values: Iterable[str], most: int) -> tuple[str, ...]:
    """Genres or tags, each once, whatever its case."""
    given = list(values)
    if len(given) > most:
        raise InvalidInput(f"{name} may be {most} at most")
    once: dict[str, str] = {}
    for value in given:
        line = inputs.line(f"each of {name}", value, LONGEST_LABEL)
        once.setdefault(label(line), line)
    return tuple(once.values())


def cast(members: Iterable[pb.CastMember]) -> tuple[tuple[str, str], ...]:
    """Names with their roles."""
    given = list(members)
    if len(given) > MOST_CAST:
        raise InvalidInput(f"cast may be {MOST_CAST} at most")
    return tuple(
        (
            inputs.line("a name in cast", member.name, LONGEST_PERSON),
            inputs.line("a role in cast", member.role, LONGEST_PERSON, needed=False),
        )
        for member in given
    )


def parent(value: str) -> str:
    """The id of what a title belongs to, or nothing."""
    return inputs.identifier("parent_id", value) if value else ""


def number(value: int) -> int:
    """Which season or episode, from 1; 0 for what is neither."""
    return _within("number", value, 0, HIGHEST_NUMBER)


def year(value: int) -> int:
    """A year of release; 0 when it is not known."""
    return _within("year", value, FIRST_YEAR, LAST_YEAR) if value else 0


def age(name: str, value: int) -> int:
    """An age in years."""
    return _within(name, value, 0, HIGHEST_AGE)


def rating(value: str) -> str:
    """What the classification board calls it."""
    return inputs.line("rating", value, LONGEST_RATING, needed=False)


def language(name: str, value: str) -> str:
    """A code of ISO 639-2, or nothing."""
    if value and not _LANGUAGE.fullmatch(value):
        raise InvalidInput(f"{name} must be a code of three letters (ISO 639-2)")
    return value


def plan(value: str) -> str:
    """The id of a plan, or nothing."""
    return plan_id(value) if value else ""


def moment(name: str, value: Timestamp) -> float:
    """A moment in Unix seconds; of the latest second its beginning, because its end is rounded to the year 10000."""
    if not (0 <= value.seconds <= LATEST_MOMENT and 0 <= value.nanos < 10**9):
        raise InvalidInput(f"{name} must be a time after 1970")
    return min(value.ToMicroseconds() / 1_000_000, LATEST_MOMENT)


def _with_window(title: Title, told: pb.Title | pb.UpdateTitleRequest) -> Title:
    if told.HasField("available_from"):
        title = replace(title, available_from=moment("available_from", told.available_from))
    if told.HasField("available_until"):
        title = replace(title, available_until=moment("available_until", told.available_until))
    begin, end = title.available_from, title.available_until
    if begin is not None and end is not None and end <= begin:
        raise InvalidInput("available_until must be later than available_from")
    return title


def _within(name: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise InvalidInput(f"{name} must be from {least} to {most}")
    return value
