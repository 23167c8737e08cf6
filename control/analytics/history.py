"""Watch history and resume points, from what the player of each playback session did.

The start of a stretch of playing says that a title was watched; its end says how far, if anything was watched in it or
the viewer went there. The resume point is where the newest end was, whatever order the events come in. An end within
the last 5 % of a title finishes it, and so does one within the last two minutes of a title of twenty minutes or more:
then there is no resume point, until the account watches it again. To go there without watching finishes nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from google.protobuf.timestamp_pb2 import Timestamp

from control import inputs
from control.database import Connection, history, outbox
from control.database.history import Entry, Key
from control.events.consumer import BatchConsumer
from control.identifiers import new_id
from control.timestamps import timestamp
from matinee.errors import InvalidInput
from matinee.tokens import Clock
from protos.v1.events_pb2 import HistoryUpdated, MoviePaused, MoviePlayed

TAIL = 0.05
LONG_SECONDS = 20 * 60.0
LONG_TAIL_SECONDS = 2 * 60.0
LONGEST_STRETCH_SECONDS = 366 * 86_400.0


def at_end(position: float, duration: float) -> bool:
    """Whether a position is so near to the end that the title counts as finished; in seconds."""
    tail = max(TAIL * duration, LONG_TAIL_SECONDS if duration >= LONG_SECONDS else 0.0)
    return duration > 0 and position >= duration - tail


def stretch(event: MoviePaused) -> float:
    """How long was watched, in seconds. Raises `InvalidInput` when that is no length, or longer than a year."""
    length = inputs.seconds("watched_seconds", event.watched_seconds)
    if length > LONGEST_STRETCH_SECONDS:
        raise InvalidInput("watched_seconds is longer than a year")
    return length


def moment(time: Timestamp) -> float:
    """The time of an event, in Unix seconds."""
    return time.ToMicroseconds() / 1_000_000


def watched(entry: Entry, at: float) -> Entry:
    """The entry after an event at that time; an older one than is known does not move it in the list."""
    if entry.entry_id and at <= entry.watched_at:
        return entry
    return replace(entry, watched_at=at, entry_id=new_id(lambda: at))


def left(entry: Entry, event: MoviePaused) -> Entry:
    """The entry after a stretch of playing has ended. Raises `InvalidInput` for lengths that are none."""
    position = inputs.seconds("position_seconds", event.position_seconds)
    finished = at_end(position, inputs.seconds("duration_seconds", event.duration_seconds))
    length, at = stretch(event), moment(event.time)
    if not length and not event.sought:
        return watched(entry, at)
    told_at, position = max((at, 0.0 if finished else position), (entry.told_at, entry.position_seconds))
    return replace(
        watched(entry, at),
        position_seconds=position,
        told_at=told_at,
        finished=entry.finished or (finished and length > 0),
        watched_seconds=entry.watched_seconds + length,
    )


async def note(connection: Connection, events: Sequence[MoviePlayed | MoviePaused], clock: Clock) -> None:
    """Note what is watched and how far, but for what has gone or was forgotten since; each event is told on.

    That is told as happening now: who follows the bus goes on by time, and would miss what comes late with an old one.
    """
    known = await history.known(connection, {_key(event) for event in events})
    before = await history.among(connection, known)
    forgotten = await history.forgotten_at(connection, known)
    told = [event for event in events if _key(event) in known and moment(event.time) > forgotten.get(_key(event), -1.0)]
    after = dict(before)
    for event in told:
        after[_key(event)] = following(after.get(_key(event)) or Entry(*_key(event)), event)
    await history.add(connection, [entry for key, entry in after.items() if key not in before])
    await history.save(connection, [entry for key, entry in after.items() if key in before])
    now = timestamp(clock())
    news = [HistoryUpdated(account_id=event.account_id, title_id=event.title_id, time=now) for event in told]
    await outbox.record_all(connection, news, clock)


def following(entry: Entry, event: MoviePlayed | MoviePaused) -> Entry:
    """The entry after its next event. Raises `InvalidInput` for lengths that are none."""
    return watched(entry, moment(event.time)) if isinstance(event, MoviePlayed) else left(entry, event)


def consumer(clock: Clock) -> BatchConsumer:
    """The consumer group that keeps the watch history."""
    return BatchConsumer("history", (MoviePlayed, MoviePaused), partial(note, clock=clock))


def _key(event: MoviePlayed | MoviePaused) -> Key:
    return event.account_id, event.title_id
