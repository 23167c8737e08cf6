"""What an edge measures; docs/operations.md says what each measure means."""

import time

from prometheus_client import CollectorRegistry, Counter, Histogram

from edge.cache import BlockCache, RangeReader
from edge.grants import Grants
from edge.metrics import Metrics
from matinee.errors import MatineeError
from matinee.telemetry.readings import add_reading, add_readings
from matinee.telemetry.requests import Requests

READ_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Measures:
    """The measures of one edge."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.requests = Requests(self.registry)
        self._reads = Counter(
            "matinee_edge_origin_reads_total", "Reads of ranges from the store.", ["result"], registry=self.registry
        )
        self._read_bytes = Counter(
            "matinee_edge_origin_read_bytes_total", "Bytes that came from the store.", registry=self.registry
        )
        self._read_seconds = Histogram(
            "matinee_edge_origin_read_duration_seconds",
            "Time that a read of a range from the store takes.",
            registry=self.registry,
            buckets=READ_SECONDS,
        )
        for result in ("ok", "error"):
            self._reads.labels(result)

    def origin(self, store: RangeReader) -> "Origin":
        """The store, whose reads are measured."""
        return Origin(store, self._reads, self._read_bytes, self._read_seconds)

    def watch_cache(self, cache: BlockCache) -> None:
        """Read what a cache counts."""
        add_reading(
            self.registry, "matinee_edge_cache_hits_total", "Blocks that were in memory when they were asked for.",
            lambda: cache.hits,
        )  # fmt: skip
        add_reading(
            self.registry, "matinee_edge_cache_misses_total", "Blocks that had to be read when they were asked for.",
            lambda: cache.misses,
        )  # fmt: skip
        add_reading(self.registry, "matinee_edge_cache_bytes", "Bytes that are kept in memory.", lambda: cache.used)
        add_reading(self.registry, "matinee_edge_cache_limit_bytes", "Bytes that may be kept.", lambda: cache.budget)

    def watch_grants(self, grants: Grants) -> None:
        """Read what is known of playback sessions."""
        add_reading(
            self.registry, "matinee_edge_playback_sessions", "Playback sessions whose grant this edge holds.",
            lambda: grants.count,
        )  # fmt: skip
        add_reading(
            self.registry, "matinee_edge_control_stream_up", "1 while the stream to control is open: news arrive.",
            lambda: grants.connected,
        )  # fmt: skip

    def watch_reports(self, metrics: Metrics) -> None:
        """Read what becomes of players' reports."""
        add_reading(
            self.registry, "matinee_edge_player_reports_waiting_bytes", "Players' reports on their way to control.",
            lambda: metrics.waiting_bytes,
        )  # fmt: skip
        add_readings(
            self.registry, "matinee_edge_player_reports_dropped_total", "Players' reports that were dropped.", "reason",
            {reason: lambda reason=reason: metrics.dropped[reason] for reason in ("malformed", "crowded_out")},  # type: ignore[misc]
        )  # fmt: skip


class Origin:
    """An object store whose reads of ranges are measured."""

    def __init__(self, store: RangeReader, reads: Counter, read_bytes: Counter, seconds: Histogram) -> None:
        self._store = store
        self._reads = reads
        self._bytes = read_bytes
        self._seconds = seconds

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        """The bytes of an object from `start` to before `end`."""
        began = time.perf_counter()
        try:
            body = await self._store.get_range(key, start, end)
        except MatineeError:
            self._reads.labels("error").inc()
            raise
        finally:
            self._seconds.observe(time.perf_counter() - began)
        self._reads.labels("ok").inc()
        self._bytes.inc(len(body))
        return body
