"""Plays, from what the player of each playback session did, and the sums of the plays of a title and a day.

A play is a playback session. It counts as a whole for the day (UTC) on which it began, and for none before its start is
known: events of one session may come late, and in any order. The sums grow by what an event changes, in the transaction
that handles it.
"""

from dataclasses import replace

from control import inputs
from control.analytics.history import moment
from control.database import Connection, statistics
from control.database.statistics import Play, Tally
from control.events.consumer import Consumer
from matinee.errors import InvalidInput
from protos.v1.events_pb2 import MoviePaused, MoviePlayed

DAY_SECONDS = 86_400
LONGEST_STRETCH_SECONDS = 366 * 86_400.0
MILLION = 1_000_000


def fresh(event: MoviePlayed | MoviePaused) -> Play:
    """A play of which no event was seen before this one."""
    return Play(event.session_id, event.title_id, event.account_id, _day(event))


def began(play: Play, event: MoviePlayed) -> Play:
    """The play after a stretch of playing has begun."""
    told = (not event.started, _day(event))
    unstarted, day = min(told, (not play.started, play.day))
    return replace(play, started=not unstarted, day=day)


def ended(play: Play, event: MoviePaused) -> Play:
    """The play after a stretch of playing has ended. Raises `InvalidInput` for lengths that are none."""
    position = inputs.seconds("position_seconds", event.position_seconds)
    duration = inputs.seconds("duration_seconds", event.duration_seconds)
    stretch = inputs.seconds("watched_seconds", event.watched_seconds)
    if stretch > LONGEST_STRETCH_SECONDS:
        raise InvalidInput("watched_seconds is longer than a year")
    known = replace(play, day=play.day if play.started else min(play.day, _day(event)))
    if not stretch:
        return known
    reached = round(MILLION * min(position, duration) / duration) if duration else 0
    watched_ms = play.watched_ms + round(1_000 * stretch)
    return replace(known, watched_ms=watched_ms, reached_ppm=max(play.reached_ppm, reached))


def changes(before: Play, after: Play) -> dict[int, Tally]:
    """What becoming another play adds to the sums of the days; nothing of a play that has not started."""
    found: dict[int, Tally] = {}
    for play, tally in ((before, -_counted(before)), (after, _counted(after))):
        found[play.day] = found.get(play.day, Tally()) + tally
    return {day: tally for day, tally in found.items() if tally != Tally()}


async def note_played(connection: Connection, event: MoviePlayed) -> None:
    """Count a stretch of playing that began."""
    stored = await statistics.find(connection, event.session_id)
    before = stored or fresh(event)
    await _keep(connection, before, began(before, event), new=stored is None)


async def note_paused(connection: Connection, event: MoviePaused) -> None:
    """Count a stretch of playing that ended."""
    stored = await statistics.find(connection, event.session_id)
    before = stored or fresh(event)
    await _keep(connection, before, ended(before, event), new=stored is None)


STATISTICS = Consumer("statistics", {MoviePlayed: note_played, MoviePaused: note_paused})


async def _keep(connection: Connection, before: Play, after: Play, *, new: bool) -> None:
    if new and not await statistics.known(connection, after.title_id):
        return
    if new:
        await statistics.add(connection, after)
    elif before != after:
        await statistics.save(connection, after)
    for day, change in changes(before, after).items():
        await statistics.grow(connection, after.title_id, day, change)


def _counted(play: Play) -> Tally:
    return Tally(1, play.watched_ms, play.reached_ppm) if play.started else Tally()


def _day(event: MoviePlayed | MoviePaused) -> int:
    return int(moment(event.time) // DAY_SECONDS)
