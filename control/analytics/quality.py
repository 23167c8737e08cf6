"""How well playback sessions play: kept up to date with what players report, and told."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from control import inputs
from control.analytics.experience import Experience, Quality
from control.analytics.figures import share, step
from control.database import Connection, Database, quality
from control.database.plays import ALL
from control.database.quality import SessionQuality, Sums
from control.events.consumer import BatchConsumer
from control.identifiers import made_at
from matinee.errors import NotFound
from protos.v1 import analytics_pb2 as pb
from protos.v1.events_pb2 import PlaybackMetrics

DAY_SECONDS = 86_400

Change = tuple[SessionQuality | None, SessionQuality]
"""A session as it was known before, and as it is now."""


async def playback_quality(database: Database, request: pb.GetPlaybackQualityRequest) -> pb.GetPlaybackQualityResponse:
    """Answer `GetPlaybackQuality`. Raises `NotFound` for a session of which nothing was reported."""
    session_id = inputs.identifier("session_id", request.session_id)
    async with database.read() as connection:
        stored = await quality.find(connection, session_id)
    if stored is None:
        raise NotFound("nothing was reported of this playback session")
    return _answer(Experience.restored(stored.experience).quality())


def following(known: SessionQuality | None, metrics: PlaybackMetrics) -> SessionQuality:
    """What is known of a session after its player reported more."""
    before = known or _new(metrics)
    experience, began = Experience.restored(before.experience), made_at(metrics.session_id)
    for report in metrics.reports:
        experience.add(report, began)
    return _updated(before, experience)


def sums(changes: Iterable[Change]) -> dict[tuple[str, int], Sums]:
    """What changed sessions add to the sums of their titles, and of all together, on their days."""
    found: dict[tuple[str, int], Sums] = defaultdict(Sums)
    for before, after in changes:
        added = counted(after) - (counted(before) if before else Sums())
        for title_id in (after.title_id, ALL):
            found[title_id, after.day] += added
    return {key: each for key, each in found.items() if each != Sums()}


def counted(session: SessionQuality) -> Sums:
    """What a session adds to the sums of its day."""
    played_ms, rated = round(1_000 * session.played_seconds), session.average_bitrate > 0
    return Sums(
        played_ms=played_ms,
        rebuffered_ms=round(1_000 * session.rebuffer_seconds),
        kilobits=round(session.average_bitrate * session.played_seconds / 1_000),
        rated_ms=played_ms if rated else 0,
        sessions=1,
        stalls=session.stalls,
        exits=int(session.ended == "quit" and not session.started),
        failures=int(session.ended == "failed" and not session.started),
        dropped_frames=session.dropped_frames,
    )


def startups(changes: Iterable[Change]) -> dict[tuple[str, int, int], int]:
    """How many sessions more or fewer take a step to start, by title, and all together, and day."""
    found: Counter[tuple[str, int, int]] = Counter()
    for change in changes:
        for session, count in zip(change, (-1, 1), strict=True):
            if session and session.startup_seconds is not None:
                for title_id in (session.title_id, ALL):
                    found[title_id, session.day, step(session.startup_seconds)] += count
    return {key: count for key, count in found.items() if count}


async def take(connection: Connection, reported: Sequence[PlaybackMetrics]) -> None:
    """Add what players reported to what is known of their sessions."""
    some = [metrics for metrics in reported if metrics.reports]
    before = await quality.locked(connection, {metrics.session_id for metrics in some})
    after = dict(before)
    for metrics in some:
        after[metrics.session_id] = following(after.get(metrics.session_id), metrics)
    await keep(connection, [(before.get(session_id), now) for session_id, now in after.items()])


async def keep(connection: Connection, changes: Sequence[Change]) -> None:
    """Keep what is known of sessions now, and add what that changes to the sums."""
    await quality.put(connection, [after for _, after in changes])
    await quality.add(connection, sums(changes))
    await quality.add_startups(connection, startups(changes))


CONSUMER = BatchConsumer("quality", (PlaybackMetrics,), take)


def _new(metrics: PlaybackMetrics) -> SessionQuality:
    day = min(report.received_at.seconds for report in metrics.reports) // DAY_SECONDS
    return SessionQuality(metrics.session_id, metrics.title_id, metrics.account_id, metrics.asset_id, day)


def _updated(stored: SessionQuality, experience: Experience) -> SessionQuality:
    now = experience.quality()
    return replace(
        stored,
        startup_seconds=now.startup_seconds,
        played_seconds=now.played_seconds,
        rebuffer_seconds=now.rebuffer_seconds,
        stalls=now.stall_count,
        average_bitrate=now.average_bitrate,
        rung_changes=now.rung_changes,
        errors=now.errors,
        started=now.started,
        ended=now.ended,
        experience=experience.stored(),
        dropped_frames=now.dropped_frames,
    )


def _answer(found: Quality) -> pb.GetPlaybackQualityResponse:
    return pb.GetPlaybackQualityResponse(
        startup_seconds=found.startup_seconds or 0.0,
        played_seconds=found.played_seconds,
        rebuffer_seconds=found.rebuffer_seconds,
        stalls=[pb.Stall(start_seconds=start, length_seconds=length) for start, length in found.stalls],
        average_bitrate=found.average_bitrate,
        rung_changes=found.rung_changes,
        errors=found.errors,
        ended=found.ended,
        started=found.started,
        dropped_frames=found.dropped_frames,
        stall_count=found.stall_count,
        rebuffer_ratio=share(found.rebuffer_seconds, found.rebuffer_seconds + found.played_seconds),
    )
