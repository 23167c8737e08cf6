"""Plays, from what the player of each playback session did, and the sums of the plays of a title and a day.

A play is a playback session. It counts as a whole for the day (UTC) on which it began, and for none before its start is
known: events of one session may come late, and in any order. The sums grow by what an event changes, in the transaction
that handles it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from control import inputs
from control.analytics import history, viewers
from control.analytics.history import moment
from control.database import Connection, plays, statistics
from control.database.plays import ALL, Change, Play
from control.database.statistics import Tally
from control.events.consumer import BatchConsumer
from protos.v1.events_pb2 import MoviePaused, MoviePlayed

DAY_SECONDS = 86_400
MILLION = 1_000_000


def fresh(event: MoviePlayed | MoviePaused) -> Play:
    """A play of which no event was seen before this one."""
    return Play(event.session_id, event.title_id, event.account_id, _day(event))


def following(play: Play | None, event: MoviePlayed | MoviePaused) -> Play:
    """The play after its next event. Raises `InvalidInput` for lengths that are none."""
    before = play or fresh(event)
    return began(before, event) if isinstance(event, MoviePlayed) else ended(before, event)


def began(play: Play, event: MoviePlayed) -> Play:
    """The play after a stretch of playing has begun."""
    told = (not event.started, _day(event))
    unstarted, day = min(told, (not play.started, play.day))
    return replace(play, started=not unstarted, day=day)


def ended(play: Play, event: MoviePaused) -> Play:
    """The play after a stretch of playing has ended. Raises `InvalidInput` for lengths that are none."""
    position = inputs.seconds("position_seconds", event.position_seconds)
    duration = inputs.seconds("duration_seconds", event.duration_seconds)
    stretch = history.stretch(event)
    known = replace(play, day=play.day if play.started else min(play.day, _day(event)))
    if not stretch:
        return known
    reached = round(MILLION * min(position / duration, 1.0)) if duration else 0
    watched_ms = play.watched_ms + round(1_000 * stretch)
    return replace(known, watched_ms=watched_ms, reached_ppm=max(play.reached_ppm, reached))


def counted(play: Play) -> Tally:
    """What a play adds to the sums of its day: nothing before it is known to have started."""
    return Tally(1, play.watched_ms, play.reached_ppm) if play.started else Tally()


def tallies(changes: Iterable[Change]) -> dict[tuple[str, int], Tally]:
    """What changed plays add to the sums of their titles, and of all together, on their days."""
    found: dict[tuple[str, int], Tally] = defaultdict(Tally)
    for before, after in changes:
        for title_id in (after.title_id, ALL):
            if before:
                found[title_id, before.day] -= counted(before)
            found[title_id, after.day] += counted(after)
    return {key: tally for key, tally in found.items() if tally != Tally()}


async def note(connection: Connection, events: Sequence[MoviePlayed | MoviePaused]) -> None:
    """Count stretches of playing that began and ended, but for those of titles that are gone."""
    known = await plays.known(connection, {event.title_id for event in events})  # first, as who deletes one does
    before = await plays.among(connection, {event.session_id for event in events})
    after = dict(before)
    for event in events:
        if event.title_id in known:
            after[event.session_id] = following(after.get(event.session_id), event)
    await _keep(connection, [(before.get(session_id), play) for session_id, play in after.items()])


STATISTICS = BatchConsumer("statistics", (MoviePlayed, MoviePaused), note)


async def _keep(connection: Connection, changes: Sequence[Change]) -> None:
    moved = viewers.moved(changes)
    days = await plays.days(connection, moved) if moved else {}
    await plays.add(connection, [after for before, after in changes if not before])
    await plays.put(connection, [after for before, after in changes if before and before != after])
    await plays.add_days(connection, {each: by_day for each, by_day in moved.items() if each[0] == ALL})
    await statistics.add_viewers(connection, viewers.added(moved, days))
    await statistics.add(connection, tallies(changes))


def _day(event: MoviePlayed | MoviePaused) -> int:
    return int(moment(event.time) // DAY_SECONDS)
