"""From where a request comes, with and without proxies in between."""

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from edge.addresses import client_address, through_proxies
from matinee.settings import HttpSettings

pytestmark = pytest.mark.anyio


async def tell(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(client_address(Request(scope)))(scope, receive, send)


@pytest.mark.parametrize(
    ("peer", "forwarded", "told"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "198.51.100.1, 127.0.0.2", "198.51.100.1"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("::1", "2001:db8::1", "2001:db8::1"),
    ],
    ids=["no proxy", "a proxy", "a lie of the client", "two proxies", "a client beside the proxy", "ipv6"],
)
async def test_only_a_trusted_proxy_says_for_whom_it_asks(peer: str, forwarded: str | None, told: str) -> None:
    assert await told_of(peer, forwarded) == told


@pytest.mark.parametrize("forwarded", ["a house", "h\u00f4te", "<b>", "unix", "1" * 5_000])
async def test_what_is_no_address_is_none(forwarded: str) -> None:
    assert await told_of("127.0.0.1", forwarded) == ""


async def test_the_zone_of_an_address_means_nothing_to_others() -> None:
    assert await told_of("127.0.0.1", "fe80::1%h\u00f4te") == "fe80::1"


async def told_of(peer: str, forwarded: str | None) -> str:
    transport = httpx.ASGITransport(through_proxies(tell, HttpSettings()), client=(peer, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://films.example") as client:
        answer = await client.get("/", headers={b"x-forwarded-for": forwarded.encode()} if forwarded else {})
    return answer.text
