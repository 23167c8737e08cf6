"""Requests that were answered: how many, how fast, how they ended, and how much was sent.

The media route is measured too, and would feel the locks of prometheus_client's own counters and histograms. These here
are counted by one thread, that of the event loop, and become Prometheus's only when they are read.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the buckets, in seconds: from a range in memory to a film that goes out slowly."""
LABELS = [*map(str, BOUNDS), "+Inf"]
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class Tally:
    """What is counted of requests that are alike, or of several such kinds together."""

    buckets: list[int] = field(default_factory=lambda: [0] * len(LABELS))
    seconds: float = 0.0
    body_bytes: int = 0

    def add(self, other: "Tally") -> None:
        """Count what another has counted, too."""
        self.buckets = [sum(pair) for pair in zip(self.buckets, other.buckets, strict=True)]
        self.seconds += other.seconds
        self.body_bytes += other.body_bytes


class Requests(Collector):
    """Counts requests by route; a route is one of our own templates, never a path that somebody asked for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._tallies = defaultdict[tuple[str, str, int], Tally](Tally)
        registry.register(self)

    def note(self, route: str, method: str, status: int, seconds: float, body_bytes: int) -> None:
        """Note one request, its status, how long it took, and how long the body of its answer is."""
        tally = self._tallies[route, method if method in METHODS else "other", status]
        tally.buckets[bisect_left(BOUNDS, seconds)] += 1
        tally.seconds += seconds
        tally.body_bytes += body_bytes

    def collect(self) -> Iterator[Metric]:
        """The measures as Prometheus reads them."""
        answers = CounterMetricFamily(
            "matinee_http_requests", "Requests that were answered.", labels=("route", "method", "code")
        )
        routes = defaultdict[str, Tally](Tally)
        for (route, method, status), tally in self._tallies.items():
            answers.add_metric((route, method, str(status)), sum(tally.buckets))
            routes[route].add(tally)
        yield answers
        durations = HistogramMetricFamily(
            "matinee_http_request_duration_seconds", "Time from a request to the end of its answer.", labels=("route",)
        )
        sent = CounterMetricFamily("matinee_http_response_body_bytes", "Bytes of bodies of answers.", labels=("route",))
        for route, tally in routes.items():
            durations.add_metric((route,), [*zip(LABELS, accumulate(tally.buckets), strict=True)], tally.seconds)
            sent.add_metric((route,), tally.body_bytes)
        yield durations
        yield sent
