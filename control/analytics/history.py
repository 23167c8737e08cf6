"""Watch history and resume points, from what the player of each playback session did.

The start of a stretch of playing says that a title was watched; its end says how far, if anything was watched in it.
The resume point is where the newest end was, whatever order the events come in. An end within the last 5 % of a title
finishes it, and so does one within the last two minutes of a title of twenty minutes or more: then there is no resume
point, until the account watches it again.
"""

from dataclasses import replace

from google.protobuf.timestamp_pb2 import Timestamp

from control import inputs
from control.database import Connection, history, outbox
from control.database.history import Entry
from control.events.consumer import Consumer
from control.identifiers import new_id
from protos.v1.events_pb2 import HistoryUpdated, MoviePaused, MoviePlayed

TAIL = 0.05
LONG_SECONDS = 20 * 60.0
LONG_TAIL_SECONDS = 2 * 60.0


def at_end(position: float, duration: float) -> bool:
    """Whether a position is so near to the end that the title counts as finished; in seconds."""
    tail = max(TAIL * duration, LONG_TAIL_SECONDS if duration >= LONG_SECONDS else 0.0)
    return duration > 0 and position >= duration - tail


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
    stretch, at = inputs.seconds("watched_seconds", event.watched_seconds), moment(event.time)
    if not stretch:
        return watched(entry, at)
    told_at, position = max((at, 0.0 if finished else position), (entry.told_at, entry.position_seconds))
    return replace(
        watched(entry, at),
        position_seconds=position,
        told_at=told_at,
        finished=entry.finished or finished,
        watched_seconds=entry.watched_seconds + stretch,
    )


async def note_played(connection: Connection, event: MoviePlayed) -> None:
    """Note that a title is being watched."""
    if found := await _entry(connection, event):
        await _keep(connection, found, watched(found, moment(event.time)), event.time)


async def note_paused(connection: Connection, event: MoviePaused) -> None:
    """Note how far a title was watched."""
    if found := await _entry(connection, event):
        await _keep(connection, found, left(found, event), event.time)


async def _entry(connection: Connection, event: MoviePlayed | MoviePaused) -> Entry | None:
    """The entry that an event is for, or a blank one; None when its account or title has gone."""
    if not await history.known(connection, event.account_id, event.title_id):
        return None
    found = await history.find(connection, event.account_id, event.title_id, lock=True)
    return found or Entry(event.account_id, event.title_id, "", 0.0, 0.0, False, 0.0, 0.0)


async def _keep(connection: Connection, before: Entry, after: Entry, time: Timestamp) -> None:
    await (history.save if before.entry_id else history.add)(connection, after)
    news = HistoryUpdated(account_id=after.account_id, title_id=after.title_id, time=time)
    await outbox.record(connection, news, lambda: moment(time))


HISTORY = Consumer("history", {MoviePlayed: note_played, MoviePaused: note_paused})
