"""Tickets: signed URLs are checked once, and remembered no longer than they hold."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import tickets as module
from edge.problems import Refusal
from edge.tickets import Ticket, Tickets
from matinee import delivery
from matinee.errors import MatineeError, Unauthenticated
from matinee.tokens import Claims, KeySet, SigningKey, jwks
from tests.small_asset import ASSET_ID

pytestmark = pytest.mark.anyio
KEY = SigningKey.generate("k1")


class Desk:
    """A clock that a test sets, and keys that count."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.checked = 0
        self.publish(KEY)
        self.tickets = Tickets(self, "https://films.example/behind/a/proxy", lambda: self.now)

    def publish(self, *keys: SigningKey) -> None:
        self._keys = KeySet.from_jwks(jwks(keys), lambda: self.now)

    def knows(self, kid: str) -> bool:
        return kid in self._keys

    async def verify(self, token: str, kind: str, audience: str) -> Claims:
        self.checked += 1
        return self._keys.verify(token, kind, audience)

    def token(self) -> str:
        return delivery.mint(KEY, ASSET_ID, "s1", now=self.now, expires_at=self.now + 60)

    def url(self, name: str = "v1080.mp4") -> bytes:
        return f"/v/{ASSET_ID};URISigningPackage={self.token()}/{name}".encode()


async def test_a_url_is_known_once_it_was_checked() -> None:
    desk = Desk()
    url = desk.url()
    assert desk.tickets.issued(url, b"") is None
    ticket = await desk.tickets.issue(url, b"")
    assert ticket == Ticket("s1", ASSET_ID, "v1080.mp4", desk.now + 60, "k1")
    assert desk.tickets.issued(url, b"CMCD=bl%3D1") == ticket


async def test_a_remembered_url_ends_when_its_token_does() -> None:
    desk = Desk()
    url = desk.url()
    await desk.tickets.issue(url, b"")
    desk.now += 59
    assert desk.tickets.issued(url, b"")
    desk.now += 1
    assert desk.tickets.issued(url, b"") is None
    with pytest.raises(Unauthenticated):
        await desk.tickets.issue(url, b"")


async def test_a_remembered_url_ends_when_its_key_is_taken_away() -> None:
    desk = Desk()
    url = desk.url()
    await desk.tickets.issue(url, b"")
    desk.publish(KEY, SigningKey.generate("k2"))
    assert desk.tickets.issued(url, b"")
    desk.publish(SigningKey.generate("k2"))
    assert desk.tickets.issued(url, b"") is None
    with pytest.raises(Unauthenticated):
        await desk.tickets.issue(url, b"")


async def test_in_the_query_form_only_the_token_counts() -> None:
    desk = Desk()
    token = desk.token()
    path = f"/v/{ASSET_ID}/v1080.mp4".encode()
    ticket = await desk.tickets.issue(path, f"CMCD=bl%3D1&URISigningPackage={token}".encode())
    assert desk.tickets.issued(path, f"URISigningPackage={token}&CMCD=bl%3D2".encode()) == ticket
    assert desk.tickets.issued(path, b"URISigningPackage=other") is None
    assert desk.tickets.issued(path, b"") is None


async def test_the_oldest_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TICKETS", 2)
    desk = Desk()
    urls = [desk.url(f"v{n}.mp4") for n in range(3)]
    for url in urls:
        await desk.tickets.issue(url, b"")
    assert [desk.tickets.issued(url, b"") is None for url in urls] == [True, False, False]


async def test_the_expired_are_forgotten() -> None:
    desk = Desk()
    for _ in range(3):
        await desk.tickets.issue(desk.url(), b"")
        desk.now += 60
    assert len(desk.tickets._issued) == 1


@pytest.mark.parametrize("detour", ["x/..", ".", "x" * 4000 + "/.."])
async def test_a_path_in_another_form_is_checked_each_time(detour: str) -> None:
    desk = Desk()
    url = desk.url().replace(b"/v/", f"/v/{detour}/".encode())
    assert (await desk.tickets.issue(url, b"")).name == "v1080.mp4"
    assert desk.tickets.issued(url, b"") is None
    assert not desk.tickets._issued


@pytest.mark.parametrize(("path", "query"), [(b"/%41" * 3000, b""), (b"/", b"&U" * 5000), (b"/a" * 2500, b"a" * 5000)])
async def test_a_url_longer_than_any_of_ours_is_414(path: bytes, query: bytes) -> None:
    with pytest.raises(Refusal) as refusal:
        Desk().tickets.issued(path, query)
    assert refusal.value.http_status == 414


async def test_only_what_was_verified_is_remembered() -> None:
    desk = Desk()
    path = f"/v/{ASSET_ID}/v1080.mp4".encode()
    await desk.tickets.issue(path, f"xURISigningPackage=free&URISigningPackage={desk.token()}".encode())
    assert desk.tickets.issued(path, b"URISigningPackage=free") is None
    assert desk.tickets.issued(path, b"xURISigningPackage=free") is None


GOOD = Desk().token()
PARAMETERS = st.lists(
    st.sampled_from(
        [
            f"URISigningPackage={GOOD}",
            "URISigningPackage=free",
            "URISigningPackage=",
            "xURISigningPackage=free",
            "URISigning%50ackage=free",
            "CMCD=bl%3D1",
        ]
    ),
    max_size=2,
)
SEGMENTS = st.builds(
    ";".join, st.builds(lambda name, rest: [name, *rest], st.sampled_from(["", ".", ".."]), PARAMETERS)
)
PATHS = st.builds(
    lambda parameters, segments: "/".join((";".join((f"/v/{ASSET_ID}", *parameters)), *segments, "v1080.mp4")),
    PARAMETERS,
    st.lists(SEGMENTS, max_size=1),
)
QUERIES = st.one_of(PARAMETERS.map("&".join), PARAMETERS.map(";".join))
URLS = st.tuples(
    st.one_of(st.just(f"/v/{ASSET_ID}/v1080.mp4"), PATHS).map(str.encode),
    QUERIES.map(str.encode),
)


@given(st.lists(URLS, min_size=10, max_size=30))
def test_memory_opens_nothing_that_would_not_verify(urls: list[tuple[bytes, bytes]]) -> None:
    async def checked(tickets: Tickets, url: tuple[bytes, bytes]) -> Ticket | None:
        try:
            return await tickets.issue(*url)
        except MatineeError:
            return None

    async def compare() -> None:
        desk = Desk()
        verified = [await checked(desk.tickets, url) for url in urls]
        for url, ticket in zip(urls, verified, strict=True):
            assert desk.tickets.issued(*url) in (ticket, None)

    asyncio.run(compare())
