"""Traces (OpenTelemetry): off unless an endpoint is named, and then nothing of it is even imported.

A trace begins at the door, or at a trusted proxy before it, and goes on in control and, with the job that an upload
becomes, in the worker. Calls that belong to no request, such as those by which a worker asks for work, are not traced.
What OpenTelemetry's own variables say (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES, …)
is heeded; `traces.endpoint` and `traces.sample_ratio` win over those of the same meaning.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import matinee
from matinee.settings import TraceSettings
from matinee.telemetry.request_ids import TRACEPARENT

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

Interceptor = Any
"""One of gRPC's, which is not imported here."""

_provider: "TracerProvider | None" = None
_tracer: "Tracer | None" = None


def start_traces(service: str, settings: TraceSettings) -> Callable[[], None]:
    """Send the spans of this process to the endpoint, if there is one; what is returned sends the last ones."""
    named = settings.endpoint or any(os.environ.get(name) for name in ENDPOINTS)
    if not named or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return lambda: None
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    sampler = None if "OTEL_TRACES_SAMPLER" in os.environ else ParentBased(TraceIdRatioBased(settings.sample_ratio))
    resource = Resource.create({SERVICE_NAME: f"matinee-{service}", SERVICE_VERSION: matinee.__version__})
    provider = TracerProvider(sampler=sampler, resource=resource)
    exporter = OTLPSpanExporter(
        endpoint=settings.endpoint or None, insecure=settings.endpoint.startswith("http://") or None
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    global _provider, _tracer
    _provider, _tracer = provider, provider.get_tracer("matinee", matinee.__version__)
    return provider.shutdown


def span(
    name: str, *, parent: str = "", server: bool = False, **attributes: str | int
) -> "AbstractContextManager[object]":
    """What is done inside is a span; a child of `parent` (a traceparent), or else of the span around it."""
    if _tracer is None:
        return nullcontext()
    from opentelemetry.propagate import extract
    from opentelemetry.trace import SpanKind

    return _tracer.start_as_current_span(
        name,
        context=extract({TRACEPARENT: parent}) if parent else None,
        kind=SpanKind.SERVER if server else SpanKind.INTERNAL,
        attributes=attributes,
    )


def describe(name: str, **attributes: str | int) -> None:
    """Give the present span another name, once it is known, and attributes."""
    if _tracer is None:
        return
    from opentelemetry.trace import get_current_span

    present = get_current_span()
    present.update_name(name)
    present.set_attributes(attributes)


def traceparent() -> str:
    """The present span, for whoever goes on elsewhere (W3C Trace Context); empty when there is none."""
    if _tracer is None:
        return ""
    from opentelemetry.propagate import inject

    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get(TRACEPARENT, "")


def client_interceptors() -> Sequence[Interceptor]:
    """What makes spans of the unary calls of a channel that belong to one, and lets the other end know of it."""
    if _tracer is None:
        return ()
    from opentelemetry.instrumentation.grpc import aio_client_interceptors

    unary, *_streams = aio_client_interceptors(_provider, filter_=lambda _: bool(traceparent()))  # type: ignore[no-untyped-call]
    return (unary,)


def server_interceptors() -> Sequence[Interceptor]:
    """What makes spans of the calls of a server that come with a trace."""
    if _tracer is None:
        return ()
    from opentelemetry.instrumentation.grpc import aio_server_interceptor

    return (aio_server_interceptor(_provider, filter_=_is_traced),)  # type: ignore[no-untyped-call]


def _is_traced(details: Any) -> bool:
    return any(key == TRACEPARENT for key, _ in details.invocation_metadata or ())
