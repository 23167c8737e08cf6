"""What every application behind the door has around it: an id for each request, whoever made it up."""

import re
from ipaddress import ip_network

import httpx
import pytest
import structlog
from starlette.types import Receive, Scope, Send

from edge.guard import Guard
from matinee.errors import NotFound
from matinee.telemetry import request_ids

pytestmark = pytest.mark.anyio

PROXY = "192.0.2.7"
OUR_OWN = re.compile(r"[0-9a-f]{32}")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def missing(scope: Scope, receive: Receive, send: Send) -> None:
    structlog.get_logger().info("looked for it in vain", current=request_ids.current())
    raise NotFound("there is no such title")


async def answered(headers: dict[str, str], client: str = PROXY) -> httpx.Response:
    guard = Guard(missing, proxies=[ip_network(f"{PROXY}/32")])
    transport = httpx.ASGITransport(guard, client=(client, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as asking:
        return await asking.get("/", headers=headers)


async def test_a_request_gets_an_id_that_the_answer_and_its_problem_tell() -> None:
    answer = await answered({})
    request_id = answer.headers["x-request-id"]
    assert OUR_OWN.fullmatch(request_id)
    assert answer.json()["request_id"] == request_id


async def test_every_line_that_is_logged_for_a_request_has_its_id() -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as told:
        answer = await answered({})
    assert {line["request_id"] for line in told} == {answer.headers["x-request-id"]}
    assert [line["event"] for line in told] == ["looked for it in vain", "request"]


@pytest.mark.parametrize(
    ("headers", "request_id"),
    [
        ({"x-request-id": "proxy-1.example_42"}, "proxy-1.example_42"),
        ({"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, TRACE),
        ({"x-request-id": "short", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, TRACE),
    ],
)
async def test_the_id_of_a_trusted_proxy_is_taken(headers: dict[str, str], request_id: str) -> None:
    assert (await answered(headers)).headers["x-request-id"] == request_id


@pytest.mark.parametrize("client", ["198.51.100.1", "not an address"])
@pytest.mark.parametrize("name", ["x-request-id", "traceparent"])
async def test_the_id_of_anybody_else_is_not(name: str, client: str) -> None:
    answer = await answered({name: f"00-{TRACE}-00f067aa0ba902b7-01"}, client)
    assert TRACE not in answer.headers["x-request-id"]


@pytest.mark.parametrize("told", ["a b c d e f g h", "x" * 65, '"quoted-id"', "line\tfeed-feed"])
async def test_an_id_that_is_none_is_not_taken_from_a_proxy_either(told: str) -> None:
    answer = await answered({"x-request-id": told})
    assert OUR_OWN.fullmatch(answer.headers["x-request-id"])
