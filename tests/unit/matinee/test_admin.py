"""The operator's door: measures, life and readiness, on a port of its own."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from matinee.errors import Unavailable
from matinee.settings import AdminSettings
from matinee.telemetry.admin import open_admin
from matinee.telemetry.instruments import Instruments
from matinee.telemetry.readings import add_reading
from matinee.telemetry.requests import Requests
from tests.ports import free_port

pytestmark = pytest.mark.anyio
OPEN = AdminSettings(host="127.0.0.1", edge_port=0)


@pytest.fixture
def instruments() -> Instruments:
    return Instruments("edge")


@pytest.fixture
async def door(instruments: Instruments) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        open_admin(OPEN, instruments) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        yield client


async def measured(door: httpx.AsyncClient) -> dict[str, float]:
    """Each sample, as Prometheus writes it."""
    text = (await door.get("/metrics")).text
    return {
        f"{sample.name}{sorted(sample.labels.items())}" if sample.labels else sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_without_a_host_there_is_no_door(instruments: Instruments) -> None:
    async with open_admin(AdminSettings(), instruments) as port:
        assert port is None


async def test_a_taken_port_is_told_with_the_setting(instruments: Instruments) -> None:
    async with open_admin(OPEN, instruments) as port:
        taken = AdminSettings(host="127.0.0.1", edge_port=port or 0)
        with pytest.raises(Unavailable, match=rf"cannot listen on 127\.0\.0\.1:{port}.*\[admin\]"):
            async with open_admin(taken, Instruments("edge")):
                pass


@pytest.mark.parametrize("service", ["edge", "control", "worker"])
async def test_each_service_has_a_port_of_its_own(service: str) -> None:
    wanted = free_port("127.0.0.1")
    async with open_admin(AdminSettings(host="127.0.0.1", **{f"{service}_port": wanted}), Instruments(service)) as port:
        assert port == wanted


async def test_a_service_tells_its_release_and_its_process(door: httpx.AsyncClient) -> None:
    samples = await measured(door)
    assert any(re.match(r"matinee_build_info.*edge", name) for name in samples)
    assert samples["process_resident_memory_bytes"] > 0


async def test_openmetrics_is_spoken_with_who_asks_for_it(door: httpx.AsyncClient) -> None:
    answer = await door.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


async def test_a_service_that_starts_lives_and_is_not_ready(door: httpx.AsyncClient, instruments: Instruments) -> None:
    assert (await door.get("/healthz")).status_code == 200
    answer = await door.get("/readyz")
    assert (answer.status_code, answer.json()["faults"]) == (503, ["it is starting"])


async def test_a_service_is_as_ready_as_what_it_needs(door: httpx.AsyncClient, instruments: Instruments) -> None:
    async def away() -> None:
        raise Unavailable("the database does not answer; try again")

    async def there() -> None:
        pass

    instruments.readiness.depend("store", there)
    instruments.readiness.serve()
    assert (await door.get("/readyz")).json() == {"ready": True, "faults": [], "dependencies": {"store": "up"}}
    needy = Instruments("control")
    needy.readiness.depend("database", away)
    needy.readiness.serve()
    assert await needy.readiness.faults() == ["database: the database does not answer; try again"]


async def test_what_is_not_needed_is_told_and_keeps_nobody_from_being_ready(
    door: httpx.AsyncClient, instruments: Instruments
) -> None:
    async def away() -> None:
        raise Unavailable("no broker answers")

    instruments.readiness.depend("bus", away, required=False)
    instruments.readiness.serve()
    answer = await door.get("/readyz")
    assert answer.json() == {"ready": True, "faults": [], "dependencies": {"bus": "no broker answers"}}
    samples = await measured(door)
    assert (samples["matinee_ready"], samples["matinee_dependency_up[('dependency', 'bus')]"]) == (1, 0)


async def test_a_service_that_stops_is_not_ready_any_more_and_lives_on(
    door: httpx.AsyncClient, instruments: Instruments
) -> None:
    instruments.readiness.serve()
    instruments.readiness.stop()
    answer = await door.get("/readyz")
    assert (answer.status_code, answer.json()["faults"]) == (503, ["it is stopping"])
    assert (await door.get("/healthz")).status_code == 200


async def test_many_who_ask_at_once_ask_a_dependency_once(door: httpx.AsyncClient, instruments: Instruments) -> None:
    asked = []

    async def look() -> None:
        asked.append(1)

    instruments.readiness.depend("control", look)
    await asyncio.gather(*(door.get("/readyz") for _ in range(10)))
    assert len(asked) == 1


async def test_gauges_that_cannot_be_sampled_are_told(door: httpx.AsyncClient, instruments: Instruments) -> None:
    async def fail() -> None:
        raise Unavailable("the database does not answer")

    instruments.sample(fail)
    assert (await measured(door))["matinee_sample_failed"] == 1


async def test_a_reading_is_read_when_it_is_asked_for(door: httpx.AsyncClient, instruments: Instruments) -> None:
    numbers = iter((1, 2))
    add_reading(instruments.registry, "matinee_films_total", "Films.", lambda: next(numbers))
    assert [(await measured(door))["matinee_films_total"] for _ in range(2)] == [1, 2]


async def test_requests_are_counted_by_route_method_and_status(
    door: httpx.AsyncClient, instruments: Instruments
) -> None:
    requests = Requests(instruments.registry)
    requests.note("/v/{asset}/{track}", "GET", 206, 0.0004, 100)
    requests.note("/v/{asset}/{track}", "GET", 206, 0.3, 50)
    requests.note("/v/{asset}/{track}", "BREW\n", 405, 0.001, 7)
    samples = await measured(door)
    route = ("route", "/v/{asset}/{track}")
    assert samples[f"matinee_http_requests_total{[('code', '206'), ('method', 'GET'), route]}"] == 2
    assert samples[f"matinee_http_requests_total{[('code', '405'), ('method', 'other'), route]}"] == 1
    assert samples[f"matinee_http_response_body_bytes_total{[route]}"] == 157
    assert samples[f"matinee_http_request_duration_seconds_bucket{[('le', '0.0005'), route]}"] == 1
    assert samples[f"matinee_http_request_duration_seconds_bucket{[('le', '0.5'), route]}"] == 3
    assert samples[f"matinee_http_request_duration_seconds_count{[route]}"] == 3
    assert samples[f"matinee_http_request_duration_seconds_sum{[route]}"] == pytest.approx(0.3014)
