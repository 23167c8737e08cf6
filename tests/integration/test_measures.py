"""A house as its operator sees it: every service measured while a film goes in and out, and a dashboard that fits."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from tests.authority import Authority
from tests.films import shared_film
from tests.measures import Shown, shown
from tests.patience import wait_until
from tests.ports import free_port
from tests.stack import ROOT, Stack, running_stack

pytestmark = pytest.mark.integration

DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "matinee.json"
OPERATIONS = ROOT / "docs" / "operations.md"
RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
NAME = re.compile(r"\b(?:matinee|process)_[a-z_]+\b")


@dataclass
class Observed:
    """A house that has taken a film and played it, and what its services showed then."""

    stack: Stack
    ports: dict[str, int]
    film: Path

    def shown(self, service: str) -> Shown:
        return shown(self.ports[service])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    ports = {service: free_port("127.0.0.1") for service in ("edge", "control", "worker")}
    settings = {"ADMIN__HOST": "127.0.0.1"}
    settings |= {f"ADMIN__{service.upper()}_PORT": str(port) for service, port in ports.items()}
    settings |= _secured(tmp_path_factory.mktemp("certificates"))
    with running_stack(tmp_path_factory.mktemp("house") / "data", port=0, **settings) as stack:
        film = shared_film()
        master = stack.play(stack.ingest(film, "A film"))["hls"]
        folder = master.rpartition("/")[0]
        with httpx.Client(trust_env=False) as client:
            name = re.findall(r"^(v\d+)\.m3u8$", client.get(master).text, re.MULTILINE)[0]
            for _ in range(3):
                assert client.get(f"{folder}/{name}.mp4", headers={"range": "bytes=0-999"}).status_code == 206
        yield Observed(stack, ports, film)


def _secured(folder: Path) -> dict[str, str]:
    """Settings of a house whose services know each other by certificates, as on many machines."""
    authority = Authority(folder)
    own = authority.issue("127.0.0.1")
    return {
        "CONTROL__LISTEN": f"127.0.0.1:{free_port('127.0.0.1')}",
        "CONTROL__CERTIFICATE_FILE": str(own.certificate),
        "CONTROL__PRIVATE_KEY_FILE": str(own.private_key),
        "CONTROL__AUTHORITY_FILE": str(authority.file),
    }


def test_an_edge_tells_rate_errors_and_duration_of_each_route(house: Observed) -> None:
    edge = house.shown("edge")
    route = "/v/{asset}/{track}"
    assert edge.value("matinee_http_requests_total", route=route, method="GET", code="206") == 3
    assert edge.value("matinee_http_response_body_bytes_total", route=route) == 3_000
    assert edge.value("matinee_http_request_duration_seconds_count", route=route) == 3
    assert edge.value("matinee_http_requests_total", route="/api/v1/titles/{title_id}:play", code="200") == 1
    assert edge.value("matinee_http_requests_total", route="/uploads", code="201") == 1


def test_an_edge_tells_what_came_from_memory_and_what_from_the_store(house: Observed) -> None:
    edge = house.shown("edge")
    assert (
        edge.value("matinee_edge_cache_misses_total") == edge.value("matinee_edge_origin_reads_total", result="ok") == 1
    )
    assert edge.value("matinee_edge_cache_hits_total") == 2
    assert edge.value("matinee_edge_cache_bytes") == edge.value("matinee_edge_origin_read_bytes_total") > 0
    assert edge.value("matinee_edge_playback_sessions") == 1


def test_control_tells_rate_errors_and_duration_of_each_method(house: Observed) -> None:
    control = house.shown("control")
    play = "matinee.v1.PlaybackService/Play"
    assert control.value("matinee_grpc_server_calls_total", method=play, code="OK") == 1
    assert control.value("matinee_grpc_server_call_duration_seconds_count", method=play) == 1
    assert control.value("matinee_grpc_server_calls_in_progress", method="matinee.v1.EdgeService/Connect") == 1


def test_a_refused_call_counts_with_its_status(house: Observed) -> None:
    method = "matinee.v1.CatalogueService/GetTitle"
    before = house.shown("control").value("matinee_grpc_server_calls_total", method=method, code="NOT_FOUND")
    assert house.stack.matinee("titles", "show", "0" * 26).returncode != 0
    after = house.shown("control").value("matinee_grpc_server_calls_total", method=method, code="NOT_FOUND")
    assert after == before + 1


def test_control_tells_what_waits_and_who_watches(house: Observed) -> None:
    control = house.shown("control")
    assert control.value("matinee_jobs", state="queued") == 0
    assert control.value("matinee_playback_sessions") == 1
    assert control.value("matinee_edges_connected") == 1
    assert control.value("matinee_sample_failed") == 0
    groups = {sample.labels["group"] for sample in control.samples if sample.name == "matinee_consumer_lag_events"}
    assert {"history", "statistics"} <= groups


def test_a_worker_tells_how_long_each_stage_took(house: Observed) -> None:
    published = {"name": "matinee_job_attempts_total", "outcome": "published"}
    wait_until(lambda: house.shown("worker").value(**published) == 1)  # it tidies up when the film is there already
    worker = house.shown("worker")
    for stage in ("fetch", "probe", "encode", "assemble", "validate", "publish"):
        assert worker.value("matinee_job_stage_duration_seconds_count", stage=stage) == 1
    assert worker.value("matinee_worker_encoded_media_seconds_total") > 0
    assert worker.value("matinee_worker_encodes") == worker.value("matinee_worker_jobs") == 0


@pytest.mark.parametrize("service", ["edge", "control", "worker"])
def test_every_service_is_ready_and_names_what_it_leans_on(house: Observed, service: str) -> None:
    answer = httpx.get(f"http://127.0.0.1:{house.ports[service]}/readyz", trust_env=False).json()
    assert answer["ready"], answer
    assert set(answer["dependencies"].values()) == {"up"}


def test_no_label_holds_what_a_client_said(house: Observed) -> None:
    url = house.stack.url
    with httpx.Client(base_url=url, trust_env=False) as client:
        for path in ("/api/v1/nonsense-1", "/nonsense-2", "/v/nonsense-3/x.mp4", "/uploads/nonsense-4"):
            client.request("BREW", path, headers={"x-request-id": "nonsense-5"})
            client.get(path)
    assert not [sample for sample in house.shown("edge").samples if "nonsense" in str(sample.labels)]


def test_the_public_door_shows_no_measures(house: Observed) -> None:
    assert httpx.get(f"{house.stack.url}/metrics", trust_env=False).status_code == 404


def test_dashboard_and_rules_name_what_there_is(house: Observed) -> None:
    exposed = set().union(*(house.shown(service).names for service in house.ports))
    asked = {name for expression in (*_dashboard(), *_rules()) for name in NAME.findall(expression)}
    assert asked
    assert {name.removesuffix("_count") for name in asked} <= exposed


def test_every_measure_of_ours_is_documented(house: Observed) -> None:
    told = {name.removesuffix("_total") for name in re.findall(r"`(matinee_[a-z_]+)", OPERATIONS.read_text())}
    exposed = {
        re.sub(r"_(total|bucket|count|sum|created)$", "", name)
        for service in house.ports
        for name in house.shown(service).names
        if name.startswith("matinee_")
    }
    assert exposed == told


def _dashboard() -> Iterator[str]:
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


def _rules() -> Iterator[str]:
    document: dict[str, Any] = YAML(typ="safe").load(RULES)
    yield from (rule["expr"] for group in document["groups"] for rule in group["rules"])
