"""Events that players post, with the token of their signed URL."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from edge.cmcd.endpoint import LARGEST_BODY, TYPES, EventEndpoint
from edge.cmcd.report import LONGEST_RECORD
from edge.metrics import LAST_WORDS_SECONDS, SESSION_BYTES, Metrics
from edge.tickets import LONGEST_URL
from matinee import delivery
from matinee.tokens import DELIVERY_AUDIENCE, DELIVERY_TYPE, ISSUER, Claims, KeySet, SigningKey, jwks
from tests.control_house import TurnedClock
from tests.metrics_desk import MetricsDesk, at_work
from tests.small_asset import ASSET_ID

pytestmark = pytest.mark.anyio
KEY = SigningKey.generate("k1")
EVENT = b'e=ps,sid="claimed",sn=0,sta=p,ts=1800000000000,v=2'
CMCD = {"content-type": "application/cmcd"}
LONG = 3_600
"""Seconds: tokens are made when the tests are collected, and must outlive all that run before them."""


class Keys:
    """The edge's keys, without a control to fetch them from."""

    async def verify(self, token: str, kind: str, audience: str) -> Claims:
        return KeySet.from_jwks(jwks([KEY])).verify(token, kind, audience)


@dataclass
class Door:
    """The endpoint, what is behind it, and a player before it."""

    client: httpx.AsyncClient
    metrics: Metrics
    desk: MetricsDesk
    clock: TurnedClock

    async def post(self, body: bytes, url: str | None = None, headers: dict[str, str] | None = None) -> httpx.Response:
        return await self.client.post(signed() if url is None else url, content=body, headers=headers or CMCD)


def signed(session: str = "s1", seconds: float = LONG, key: SigningKey = KEY) -> str:
    now = time.time()
    return f"/cmcd?URISigningPackage={delivery.mint(key, ASSET_ID, session, now=now, expires_at=now + seconds)}"


def claiming(**claims: object) -> str:
    good = {"iss": ISSUER, "aud": DELIVERY_AUDIENCE, "exp": int(time.time()) + LONG, "sid": "s1"}
    return f"/cmcd?URISigningPackage={KEY.sign(DELIVERY_TYPE, {**good, **claims})}"


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    desk = MetricsDesk()
    async with at_work(desk, tmp_path / "c.sock") as channel:
        clock = TurnedClock()
        metrics = Metrics(channel, "secret", "edge-1", clock)
        transport = httpx.ASGITransport(EventEndpoint(Keys(), metrics))
        async with httpx.AsyncClient(transport=transport, base_url="https://films.example") as client:
            yield Door(client, metrics, desk, clock)


async def test_events_are_taken_for_the_session_of_the_token(door: Door) -> None:
    answer = await door.post(EVENT + b"\n" + EVENT)
    assert (answer.status_code, answer.content) == (204, b"")
    await door.metrics.flush()
    assert [(entry.session_id, len(entry.reports)) for entry in door.desk.batches[0].metrics] == [("s1", 2)]


@pytest.mark.parametrize("content_type", [*TYPES, "text/plain;charset=UTF-8"])
async def test_players_and_beacons_may_send_by_their_types(door: Door, content_type: str) -> None:
    assert (await door.post(EVENT, headers={"content-type": content_type})).status_code == 204


async def test_another_type_is_refused(door: Door) -> None:
    answer = await door.post(b"{}", headers={"content-type": "application/json"})
    assert (answer.status_code, "application/cmcd" in answer.json()["detail"]) == (415, True)


@pytest.mark.parametrize(
    "url",
    [
        "/cmcd",
        "/cmcd?URISigningPackage=",
        "/cmcd?URISigningPackage=a.b.c",
        f"{signed()}&URISigningPackage=x",
        signed(key=SigningKey.generate("k1")),
        claiming(sid=""),
        claiming(sid=["s1"]),
        claiming(cdniv=2),
        claiming(cdniip="192.0.2.1"),
        claiming(jti="once"),
        claiming(cdnicrit="unknown"),
    ],
)
async def test_without_the_token_of_a_session_nothing_is_taken(door: Door, url: str) -> None:
    assert (await door.post(EVENT, url)).status_code == 401
    await door.metrics.flush()
    assert door.desk.asked == 0


async def test_a_player_whose_session_has_expired_is_told_to_stop(door: Door) -> None:
    answer = await door.post(EVENT, signed(seconds=-1))
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (410, "*")
    assert "over" in answer.json()["detail"]
    await door.metrics.flush()
    assert door.desk.asked == 0


async def test_a_player_whose_session_was_ended_says_its_last_words_and_is_told_to_stop(door: Door) -> None:
    door.desk.ended = ["s1"]
    assert (await door.post(EVENT)).status_code == 204
    await door.metrics.flush()
    door.clock.turn(LAST_WORDS_SECONDS - 1)
    assert (await door.post(EVENT)).status_code == 204
    await door.metrics.flush()
    assert len([*door.desk.reports("s1")]) == 2
    door.clock.turn(1)
    assert (await door.post(EVENT)).status_code == 410
    assert (await door.post(EVENT, signed("s2"))).status_code == 204


async def test_a_line_that_is_no_event_is_left_out_and_counted(door: Door) -> None:
    assert (await door.post(b"rc=\n" + EVENT + b"\n" + b"x" * (LONGEST_RECORD + 1))).status_code == 204
    await door.metrics.flush()
    assert len([*door.desk.reports("s1")]) == 1
    assert door.metrics.dropped["malformed"] == 2


@pytest.mark.parametrize("body", [b"", b"\n", b"\x00\xff", b"rc=\nrc=", b"rc=200", b"{}", b"x" * LARGEST_BODY])
async def test_a_malformed_body_is_answered_with_a_sentence(door: Door, body: bytes) -> None:
    answer = await door.post(body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["detail"]
    await door.metrics.flush()
    assert door.desk.asked == 0


async def test_a_body_that_is_too_long_is_refused(door: Door) -> None:
    assert (await door.post(b" " * (LARGEST_BODY + 1))).status_code == 413


async def test_an_endless_url_is_refused(door: Door) -> None:
    assert (await door.post(EVENT, "/cmcd?" + "a" * LONGEST_URL + "a")).status_code == 414


async def test_a_player_that_sends_too_much_is_told_to_wait(door: Door) -> None:
    record = EVENT + b',cid="' + b"x" * 120 + b'"'
    for _ in range(SESSION_BYTES // (len(record) * 100)):
        await door.post(b"\n".join([record] * 100))
    answer = await door.post(b"\n".join([record] * 100))
    assert (answer.status_code, "retry-after" in answer.headers) == (429, True)
    assert (await door.post(record, signed("s2"))).status_code == 204


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_events_can_only_be_posted(door: Door, method: str) -> None:
    answer = await door.client.request(method, signed())
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")


async def test_any_origin_may_send(door: Door) -> None:
    preflight = await door.client.options("/cmcd", headers={"origin": "https://player.example"})
    assert (preflight.status_code, preflight.headers["access-control-allow-headers"]) == (204, "Content-Type")
    for answer in (preflight, await door.post(EVENT), await door.post(b"")):
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
