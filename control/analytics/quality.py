"""How well playback sessions play: kept up to date with what players report, and told."""

from dataclasses import replace

from control import inputs
from control.analytics.experience import Experience, Quality
from control.database import Connection, Database, quality
from control.database.quality import SessionQuality
from control.events.consumer import Consumer
from matinee.errors import NotFound
from protos.v1 import analytics_pb2 as pb
from protos.v1.events_pb2 import PlaybackMetrics

DAY_SECONDS = 86_400


async def playback_quality(database: Database, request: pb.GetPlaybackQualityRequest) -> pb.GetPlaybackQualityResponse:
    """Answer `GetPlaybackQuality`. Raises `NotFound` for a session of which nothing was reported."""
    session_id = inputs.identifier("session_id", request.session_id)
    async with database.read() as connection:
        stored = await quality.find(connection, session_id)
    if stored is None:
        raise NotFound("nothing was reported of this playback session")
    return _answer(Experience.restored(stored.experience).quality())


async def take_metrics(connection: Connection, metrics: PlaybackMetrics) -> None:
    """Add what a player reported to what is known of its session."""
    stored = await quality.find(connection, metrics.session_id) or _new(metrics)
    experience = Experience.restored(stored.experience)
    for report in metrics.reports:
        experience.add(report)
    await quality.save(connection, _updated(stored, experience))


CONSUMER = Consumer(group="quality", handlers={PlaybackMetrics: take_metrics})


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
    )
