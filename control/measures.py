"""What control counts as it happens; docs/operations.md says what each measure means."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from control.guard import OPEN_SERVICES
from matinee.gaps import Gaps
from matinee.rpc.server import Context, HandlerCallDetails, RpcMethodHandler, ServerInterceptor, code_name, surrounded

log = structlog.get_logger()

CALL_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Measures:
    """The measures of one control."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self.calls = Counter(
            "matinee_grpc_server_calls_total", "Calls that ended.", ["method", "code"], registry=registry
        )
        self.call_seconds = Histogram(
            "matinee_grpc_server_call_duration_seconds",
            "Time that a call takes; streams are not among them.",
            ["method"],
            registry=registry,
            buckets=CALL_SECONDS,
        )
        self.calls_in_progress = Gauge(
            "matinee_grpc_server_calls_in_progress", "Calls that are under way, streams too.", ["method"],
            registry=registry,
        )  # fmt: skip
        self.events = Counter(
            "matinee_consumer_events_total", "Events that a consumer group has done.", ["group"], registry=registry
        )
        self.dead_letters = Counter(
            "matinee_dead_letters_total", "Events that cannot be handled, and lie on a dead-letter topic.",
            ["group", "topic"], registry=registry,
        )  # fmt: skip


class MissedEvents(Collector):
    """Shows what a bus found missing for each group and topic; from the start, at 0, so that a rise is seen."""

    def __init__(self, registry: CollectorRegistry, gaps: Gaps, topics: Mapping[str, Collection[str]]) -> None:
        self._gaps = gaps
        self._topics = topics
        registry.register(self)

    @override
    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "matinee_consumer_missed_events", "Events that retention removed before a group took them.",
            labels=("group", "topic"),
        )  # fmt: skip
        for group, topics in self._topics.items():
            for topic in topics:
                family.add_metric((group, topic), self._gaps.events(group, topic))
        yield family


class CallMeter(ServerInterceptor):
    """Measures every call of a method of ours."""

    def __init__(self, measures: Measures) -> None:
        self._measures = measures

    @override
    async def intercept_service(
        self,
        continuation: Callable[[HandlerCallDetails], "Awaitable[RpcMethodHandler | None]"],
        handler_call_details: HandlerCallDetails,
    ) -> "RpcMethodHandler | None":
        handler = await continuation(handler_call_details)
        method = handler_call_details.method.removeprefix("/")
        if handler is None or method.split("/")[0] in OPEN_SERVICES:
            return handler
        streams = handler.response_streaming
        return surrounded(handler, lambda context: self._measuring(method, context, streams=streams))

    @asynccontextmanager
    async def _measuring(self, method: str, context: Context, *, streams: bool) -> AsyncIterator[None]:
        began, under_way = time.perf_counter(), self._measures.calls_in_progress.labels(method)
        under_way.inc()
        cut_off = True
        try:
            yield
            cut_off = False
        except Exception:
            cut_off = False
            raise
        finally:
            code, seconds = "CANCELLED" if cut_off else code_name(context), time.perf_counter() - began
            under_way.dec()
            self._measures.calls.labels(method, code).inc()
            if not streams:
                self._measures.call_seconds.labels(method).observe(seconds)
            log.debug("call", method=method, code=code, milliseconds=round(1000 * seconds, 1))
