"""MetricsService: what players reported, from the edges onto the event bus."""

from collections.abc import Sequence
from typing import Protocol

import structlog
from typing_extensions import override

from control import event_data, inputs
from control.database import Database, playback_sessions, quality
from control.database.quality import SessionQuality
from control.identifiers import new_id
from control.playback.session import PlaybackSession
from matinee.bus import Event, Undelivered
from matinee.errors import InvalidInput
from matinee.rpc.server import Context
from matinee.tokens import Clock
from protos.v1 import events_pb2
from protos.v1.events_pb2 import PlaybackMetrics
from protos.v1.metrics_pb2 import PublishMetricsRequest, PublishMetricsResponse
from protos.v1.metrics_pb2_grpc import MetricsServiceServicer

MOST_METRICS = 1_000
MOST_REPORTS = 1_000
LONGEST_EDGE = 64
TOPIC = PlaybackMetrics.DESCRIPTOR.GetOptions().Extensions[events_pb2.topic]

log = structlog.get_logger(__name__)


class Publisher(Protocol):
    """What is needed of the event bus."""

    async def publish(self, events: Sequence[Event], /) -> None:
        """Put events onto their topics. Raises `Unavailable`."""
        ...


class MetricsService(MetricsServiceServicer):
    """Reports of sessions that are open, or were when something was reported of them, go onto the bus; no others."""

    def __init__(self, database: Database, bus: Publisher, clock: Clock) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock

    @override
    async def PublishMetrics(self, request: PublishMetricsRequest, context: Context) -> PublishMetricsResponse:
        edge_id = inputs.line("edge_id", request.edge_id, LONGEST_EDGE)
        sent = self._checked(request.metrics)
        opened, reported = await self._known([metrics.session_id for metrics in sent])
        known: dict[str, PlaybackSession | SessionQuality] = {**reported, **opened}
        events = [
            self._event(metrics, known[metrics.session_id], edge_id) for metrics in sent if metrics.session_id in known
        ]
        if len(events) < len(sent):
            log.info("reports of unknown playback sessions were left out", sessions=len(sent) - len(events))
        if events:
            await self._publish(events)
        return PublishMetricsResponse(ended_session_ids={metrics.session_id for metrics in sent} - opened.keys())

    async def _publish(self, events: Sequence[Event]) -> None:
        """Put reports onto the bus, but for those that it will never take: an edge would send them for ever."""
        try:
            await self._bus.publish(events)
        except Undelivered as error:
            if len(error.kept) + len(error.refused) < len(events):
                raise
            log.error("the bus refuses reports of players", sessions=len(error.refused), reason=str(error))

    def _checked(self, sent: Sequence[PlaybackMetrics]) -> list[PlaybackMetrics]:
        if len(sent) > MOST_METRICS or any(len(metrics.reports) > MOST_REPORTS for metrics in sent):
            raise InvalidInput(f"a batch has at most {MOST_METRICS} sessions, of {MOST_REPORTS} reports each")
        for metrics in sent:
            inputs.identifier("session_id", metrics.session_id)
        return [metrics for metrics in sent if metrics.reports]

    async def _known(self, session_ids: Sequence[str]) -> tuple[dict[str, PlaybackSession], dict[str, SessionQuality]]:
        """Those of these sessions that are open, and those of which something was reported before."""
        async with self._database.read() as connection:
            opened = await playback_sessions.among(connection, session_ids, self._clock())
            reported = await quality.among(connection, session_ids)
        return {each.session_id: each for each in opened}, {each.session_id: each for each in reported}

    def _event(self, metrics: PlaybackMetrics, known: PlaybackSession | SessionQuality, edge_id: str) -> Event:
        message = PlaybackMetrics(
            session_id=metrics.session_id,
            asset_id=known.asset_id,
            title_id=known.title_id,
            account_id=known.account_id,
            edge_id=edge_id,
            reports=metrics.reports,
        )
        return Event(new_id(self._clock), TOPIC, metrics.session_id, self._clock(), event_data.encoded(message))
