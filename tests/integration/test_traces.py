"""One upload followed through the house: its spans at a collector, and its request id in the lines of every service."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.films import shared_film
from tests.otlp import Collector, Span, collector
from tests.patience import wait_until
from tests.stack import ROOT, Stack, running_stack

pytestmark = pytest.mark.integration

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture(scope="module")
def collecting() -> Iterator[Collector]:
    with collector() as running:
        yield running


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, collecting: Collector, shared_database_url: str) -> Iterator[Stack]:
    data = tmp_path_factory.mktemp("house") / "data"
    with running_stack(data, TRACES__ENDPOINT=collecting.endpoint, DATABASE__URL=shared_database_url) as stack:
        stack.ingest(shared_film(), "A film")
        yield stack


def lines(stack: Stack) -> list[dict[str, object]]:
    """What the services have logged."""
    return [json.loads(line) for line in stack.log().splitlines() if line.startswith("{")]


PUBLISHED = "/matinee.v1.WorkerService/PublishAsset"


def whole_trace(collecting: Collector) -> list[Span]:
    """The spans of the trace of the job, once those that end last have come from every service."""

    def spans() -> list[Span]:
        job = collecting.named("worker", "job")
        found = [span for span in collecting.spans if job and span.trace_id == job[0].trace_id]
        begun = any(span.service == "matinee-edge" and not span.parent_id for span in found)
        published = {span.service for span in found if span.name == PUBLISHED}
        return found if begun and published == {"matinee-worker", "matinee-control"} else []

    return wait_until(spans, reproach=lambda: str(collecting.spans))


def test_an_upload_is_one_trace_from_the_door_to_the_last_stage_of_its_job(house: Stack, collecting: Collector) -> None:
    spans = {span.span_id: span for span in whole_trace(collecting)}
    (job,) = collecting.named("worker", "job")
    way = [job]
    while way[-1].parent_id:
        way.append(spans[way[-1].parent_id])
    assert [(span.service, span.name) for span in way] == [
        ("matinee-worker", "job"),
        ("matinee-control", "/matinee.v1.UploadService/CompleteUpload"),
        ("matinee-edge", "/matinee.v1.UploadService/CompleteUpload"),
        ("matinee-edge", "PATCH /uploads/{upload_id}"),
    ]
    stages = {span.name for span in spans.values() if span.parent_id == job.span_id}
    assert {"job fetch", "job probe", "job encode", "job assemble", "job validate", "job publish"} <= stages


def test_calls_that_belong_to_no_request_are_not_traced(house: Stack, collecting: Collector) -> None:
    assert not [span for span in collecting.spans if span.name.endswith(("LeaseJob", "EdgeService/Connect"))]


def test_the_request_of_an_upload_is_named_in_the_lines_of_edge_control_and_worker(house: Stack) -> None:
    told = lines(house)
    (leased,) = [line for line in told if line["event"] == "job leased"]
    request_id = leased["request_id"]
    of_job = [line for line in told if line["service"] == "worker" and line.get("job_id") == leased["job_id"]]
    assert {line["request_id"] for line in of_job} == {request_id}
    assert {line["request_id"] for line in told if line["event"] in {"encoding", "encoded"}} == {request_id}
    (uploaded,) = [line for line in told if line["event"] == "request" and line.get("request_id") == request_id]
    assert uploaded["service"] == "edge"
    assert [line for line in told if line["service"] == "control" and line.get("request_id") == request_id]


def test_a_trace_that_a_trusted_proxy_began_goes_on(house: Stack, collecting: Collector) -> None:
    headers = {"traceparent": TRACEPARENT}
    answer = httpx.get(f"{house.url}/api/v1/titles", headers=headers, trust_env=False)
    assert answer.headers["x-request-id"] == TRACE
    wait_until(lambda: any(span.trace_id == TRACE for span in collecting.spans))
    (door,) = [span for span in collecting.spans if span.trace_id == TRACE and span.parent_id == PARENT]
    assert (door.service, door.name) == ("matinee-edge", "GET /api/v1/titles")


@pytest.mark.parametrize("module", ["edge.server", "control.server", "ingest.worker", "matinee.wiring"])
def test_without_an_endpoint_nothing_of_opentelemetry_is_imported(module: str) -> None:
    program = (
        f"import sys, {module}\n"
        "from matinee.rpc.channel import open_channel\n"
        "from matinee.rpc.server import make_server\n"
        "from matinee.settings import TraceSettings\n"
        "from matinee.telemetry import traces\n"
        "traces.start_traces('edge', TraceSettings())\n"
        "with traces.span('request'):\n"
        "    assert traces.traceparent() == ''\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=_without_otel(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_opentelemetrys_own_variables_turn_it_on_too(tmp_path: Path, collecting: Collector) -> None:
    program = (
        "from matinee.settings import TraceSettings\n"
        "from matinee.telemetry import traces\n"
        "finish = traces.start_traces('bench', TraceSettings())\n"
        "with traces.span('alone'):\n    pass\n"
        "finish()"
    )
    environment = {**_without_otel(), "OTEL_EXPORTER_OTLP_ENDPOINT": collecting.endpoint}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True, timeout=60)
    assert collecting.named("bench", "alone")


def _without_otel() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
