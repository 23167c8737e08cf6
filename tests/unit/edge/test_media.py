"""The media route, over a store in memory and a genuine EdgeService."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.types import Message
from structlog.testing import capture_logs

from edge.grants import Grants
from edge.media import MediaRoute
from edge.metrics import Metrics
from matinee import delivery
from matinee.rpc.channel import open_channel
from matinee.settings import EdgeSettings
from matinee.storage.object_store import ObjectStore
from matinee.storage.opening import open_store
from matinee.tokens import Claims, KeySet, SigningKey, jwks
from tests.door import serving
from tests.edge_desk import EdgeDesk, at_work
from tests.patience import until
from tests.small_asset import ASSET_ID, content, store_asset

pytestmark = pytest.mark.anyio
ORIGIN = "https://films.example"
KEY = SigningKey.generate("k1")


class Keys:
    """The edge's keys, without a control to fetch them from."""

    def __init__(self) -> None:
        self._set = KeySet.from_jwks(jwks([KEY]))
        self.checked = 0

    def knows(self, kid: str) -> bool:
        return kid in self._set

    async def verify(self, token: str, kind: str, audience: str) -> Claims:
        self.checked += 1
        return self._set.verify(token, kind, audience)

    async def refresh(self) -> None:
        raise AssertionError


def token(session: str = "s1", *, asset_id: str = ASSET_ID, seconds: float = 60) -> str:
    now = time.time()
    return delivery.mint(KEY, asset_id, session, now=now, expires_at=now + seconds)


def signed(name: str, **claims: str | float) -> str:
    return f"/v/{ASSET_ID};URISigningPackage={token(**claims)}/{name}"  # type: ignore[arg-type]


@pytest.fixture
def desk() -> EdgeDesk:
    return EdgeDesk()


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
async def store() -> ObjectStore:
    store = open_store("memory://")
    await store_asset(store)
    return store


@pytest.fixture
async def route(desk: EdgeDesk, keys: Keys, store: ObjectStore, tmp_path: Path) -> AsyncIterator[MediaRoute]:
    async with at_work(desk, tmp_path / "c.sock") as channel:
        grants = Grants(channel, "secret", "edge-1", keys.refresh)
        metrics, settings = Metrics(channel, "secret", "edge-1"), EdgeSettings(block_bytes=65_536)
        yield MediaRoute(settings, ORIGIN, store, keys, grants=grants, metrics=metrics)


@pytest.fixture
async def player(route: MediaRoute) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(route), base_url=ORIGIN) as client:
        yield client


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("main.m3u8", "application/vnd.apple.mpegurl"),
        ("v1080.m3u8", "application/vnd.apple.mpegurl"),
        ("v1080-iframes.m3u8", "application/vnd.apple.mpegurl"),
        ("main.mpd", "application/dash+xml"),
        ("v360.mp4", "video/mp4"),
        ("a0-eng.mp4", "audio/mp4"),
    ],
)
async def test_every_file_of_an_asset_is_served_with_its_type(
    player: httpx.AsyncClient, name: str, content_type: str
) -> None:
    answer = await player.get(signed(name))
    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)
    head = await player.head(signed(name))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == answer.headers["etag"]
    assert head.headers["content-length"] == answer.headers["content-length"]


async def test_the_query_form_of_the_token_is_taken_too(player: httpx.AsyncClient) -> None:
    answer = await player.get(f"/v/{ASSET_ID}/v360.mp4?CMCD=br%3D300&URISigningPackage={token()}")
    assert answer.content == content("v360.mp4")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=700-99999", 700, 100_000),
        ("bytes=131072-196607", 131_072, 196_608),
        ("bytes=300000-", 300_000, 300_776),
        ("bytes=-76", 300_700, 300_776),
    ],
)
async def test_a_range_is_answered_with_exactly_its_bytes(
    player: httpx.AsyncClient, asked: str, start: int, end: int
) -> None:
    for _ in ("cold", "warm"):
        answer = await player.get(signed("v1080.mp4"), headers={"range": asked})
        assert (answer.status_code, answer.content) == (206, content("v1080.mp4")[start:end])
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/300776"


async def test_a_range_beyond_the_end_is_416(player: httpx.AsyncClient) -> None:
    answer = await player.get(signed("v1080.mp4"), headers={"range": "bytes=300776-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */300776")


async def test_two_headers_of_a_range_are_answered_with_the_whole(route: MediaRoute) -> None:
    """They are one field with a comma in it (RFC 9110, 5.2), which asks for no one range."""
    ranges = "Range: bytes=0-1\r\nRange: bytes=5-6\r\nConnection: close\r\n\r\n"
    async with serving(route) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {signed('v360.mp4')} HTTP/1.1\r\nHost: films.example\r\n{ranges}".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body == content("v360.mp4")


async def test_any_of_several_headers_may_name_what_the_client_has(player: httpx.AsyncClient) -> None:
    etag = (await player.head(signed("v360.mp4"))).headers["etag"]
    answer = await player.get(signed("v360.mp4"), headers=[("if-none-match", etag), ("if-none-match", '"other"')])
    assert answer.status_code == 304


async def test_several_ranges_are_answered_with_the_whole(player: httpx.AsyncClient) -> None:
    answer = await player.get(signed("v360.mp4"), headers={"range": "bytes=0-1,5-6"})
    assert (answer.status_code, answer.content) == (200, content("v360.mp4"))


async def test_if_range_with_another_tag_is_answered_with_the_whole(player: httpx.AsyncClient) -> None:
    url = signed("v360.mp4")
    etag = (await player.head(url)).headers["etag"]
    same = await player.get(url, headers={"range": "bytes=0-9", "if-range": etag})
    other = await player.get(url, headers={"range": "bytes=0-9", "if-range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


@pytest.mark.parametrize("name", ["main.m3u8", "v1080.m3u8", "v1080.mp4"])
async def test_what_the_client_has_is_not_sent_again(player: httpx.AsyncClient, name: str) -> None:
    url = signed(name)
    etag = (await player.get(url)).headers["etag"]
    for known in (etag, f'W/{etag}, "other"', "*"):
        answer = await player.get(url, headers={"if-none-match": known})
        assert (answer.status_code, answer.content) == (304, b"")
    assert (await player.get(url, headers={"if-none-match": '"other"'})).status_code == 200


@pytest.mark.parametrize("name", ["main.m3u8", "v1080.mp4"])
async def test_who_wants_what_he_has_begun_with_is_not_given_another(player: httpx.AsyncClient, name: str) -> None:
    url = signed(name)
    etag = (await player.get(url)).headers["etag"]
    for begun in (etag, f'"other", {etag}', "*"):
        assert (await player.get(url, headers={"if-match": begun})).status_code == 200
    for begun in ('"other"', f"W/{etag}"):
        answer = await player.get(url, headers={"if-match": begun, "if-none-match": etag})
        assert (answer.status_code, answer.json()["title"]) == (412, "Precondition Failed")


async def test_manifests_are_compressed_for_those_who_accept_it(player: httpx.AsyncClient) -> None:
    url = signed("v1080.m3u8")
    plain = await player.get(url, headers={"accept-encoding": "identity"})
    async with player.stream("GET", url, headers={"accept-encoding": "br, gzip;q=0.5"}) as answer:
        zipped = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert "content-encoding" not in plain.headers
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "accept-encoding")
    assert gzip.decompress(zipped) == plain.content
    assert plain.headers["etag"] != answer.headers["etag"]


async def test_media_may_be_kept_and_main_playlists_are_asked_for_again(player: httpx.AsyncClient) -> None:
    kept = {name: (await player.head(signed(name))).headers["cache-control"] for name in ("main.m3u8", "v360.mp4")}
    assert kept == {"main.m3u8": "private, no-cache", "v360.mp4": "private, max-age=31536000, immutable"}


async def test_a_limit_leaves_taller_rungs_out_and_refuses_their_bytes(
    player: httpx.AsyncClient, desk: EdgeDesk
) -> None:
    desk.max_height = 720
    assert "v360.m3u8" in (await player.get(signed("main.m3u8"))).text
    for manifest in ("main.m3u8", "main.mpd"):
        assert "v1080" not in (await player.get(signed(manifest))).text
    for name in ("v1080.m3u8", "v1080-iframes.m3u8", "v1080.mp4"):
        assert (await player.get(signed(name))).status_code == 403
    assert (await player.get(signed("a0-eng.mp4"))).status_code == 200


@pytest.mark.parametrize(
    "name", ["v720.mp4", "index.bin", "poster.jpg", "a0-eng-iframes.m3u8", "main", "v1080", "x.mp4"]
)
async def test_names_that_the_index_does_not_know_are_not_found(player: httpx.AsyncClient, name: str) -> None:
    assert (await player.get(signed(name))).status_code == 404


@pytest.mark.parametrize(
    "trick",
    [
        "..%2f..%2fetc%2fpasswd",
        "..%2Findex.bin",
        "%2e%2e/%2e%2e/etc/passwd",
        "..%5c..%5cv1080.mp4",
        "%252e%252e%252fv1080.mp4",
        "%2fetc%2fpasswd",
        "v1080.mp4%00",
        "v1080.mp4%00.m3u8",
        "./../../uploads/x/info.json",
        "sub/v1080.mp4",
        "v1080.mp4/",
        "/v1080.mp4",
        "V1080.MP4",
    ],
)
async def test_tricks_with_paths_are_not_found(player: httpx.AsyncClient, trick: str) -> None:
    for base in (signed(""), f"/v/{ASSET_ID}/"):
        assert (await player.get(base + trick)).status_code == 404


async def test_without_a_good_token_nothing_is_served(player: httpx.AsyncClient, keys: Keys) -> None:
    good = token()
    forged = SigningKey.generate("k1")
    stolen = delivery.mint(forged, ASSET_ID, "s1", now=time.time(), expires_at=time.time() + 60)
    other = token(asset_id="b" * 26)
    access = KEY.sign("at+jwt", {"iss": "matinee", "aud": "matinee-api", "exp": time.time() + 60})
    for bad in ("", "x", good[:-2], f"{good.rpartition('.')[0]}.", stolen, other, access, token(seconds=-1)):
        for url in (
            f"/v/{ASSET_ID};URISigningPackage={bad}/v360.mp4",
            f"/v/{ASSET_ID}/v360.mp4?URISigningPackage={bad}",
        ):
            answer = await player.get(url)
            assert answer.status_code in (401, 403)
            assert answer.headers["access-control-allow-origin"] == "*"
    assert (await player.get(f"/v/{ASSET_ID}/v360.mp4")).status_code == 401


@pytest.mark.parametrize("host", ["x/?", f"x/v/{ASSET_ID}/", "evil.example:1@x", "x#"])
async def test_a_host_header_changes_nothing(player: httpx.AsyncClient, host: str) -> None:
    assert (await player.get(signed("v360.mp4"), headers={"host": host})).status_code == 200
    assert (await player.get(f"/v/{ASSET_ID}/v360.mp4", headers={"host": host})).status_code == 401


async def test_a_signature_is_checked_once_and_control_asked_once(
    player: httpx.AsyncClient, desk: EdgeDesk, keys: Keys
) -> None:
    url = signed("v360.mp4")
    for start in range(0, 50_000, 10_000):
        await player.get(f"{url}?CMCD=bl%3D{start}", headers={"range": f"bytes={start}-{start + 9999}"})
    assert (keys.checked, desk.asked) == (1, ["s1"])


async def test_an_ended_session_is_forbidden(player: httpx.AsyncClient, desk: EdgeDesk) -> None:
    desk.ended.add("s1")
    answer = await player.get(signed("main.m3u8"))
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert answer.json()["cause"] == "PLAN_REQUIRED"


async def test_who_is_cut_off_before_the_answer_is_told_to_come_again(
    player: httpx.AsyncClient, desk: EdgeDesk
) -> None:
    desk.open.clear()
    asking = asyncio.create_task(player.get(signed("main.m3u8")))
    await until(lambda: bool(desk.asked))
    asking.cancel()
    answer = await asking
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.headers["retry-after"]
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "form", ["/v/{asset};{token}/{name}", "/v/{asset}/{name};{token}", "/v/{asset}/{name}?{token}"]
)
async def test_the_log_names_what_broke_off_and_not_what_it_was_asked_by(route: MediaRoute, form: str) -> None:
    url = form.format(asset=ASSET_ID, name="v360.mp4", token=f"URISigningPackage={token()}")
    path, _, query = url.partition("?")
    scope = {"method": "GET", "path": path, "raw_path": path.encode(), "query_string": query.encode(), "headers": []}
    begun = asyncio.Event()

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            begun.set()
            await asyncio.Event().wait()

    with capture_logs() as lines:
        answering = asyncio.create_task(route(scope, receive, send))
        await begun.wait()
        answering.cancel()
        await answering
    [line] = lines
    assert (line["event"], line["file"]) == ("an answer broke off", f"/v/{ASSET_ID}/v360.mp4")
    assert token().partition(".")[0] not in str(line)


async def test_a_new_session_is_told_to_wait_while_control_is_away(
    keys: Keys, store: ObjectStore, tmp_path: Path
) -> None:
    async with open_channel(f"unix:{tmp_path / 'nobody.sock'}") as channel:
        grants, metrics = Grants(channel, "", "e", keys.refresh), Metrics(channel, "", "e")
        route = MediaRoute(EdgeSettings(), ORIGIN, store, keys, grants=grants, metrics=metrics)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(route), base_url=ORIGIN) as client:
            answer = await client.get(signed("main.m3u8"))
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


@pytest.mark.parametrize("asked", [{}, {"range": "bytes=-1"}, {"range": "bytes=0-99999"}], ids=["all", "end", "begin"])
async def test_a_track_that_was_cut_short_is_never_served_nor_kept_as_whole(
    player: httpx.AsyncClient, store: ObjectStore, asked: dict[str, str]
) -> None:
    key, whole = f"assets/{ASSET_ID}/v360.mp4", content("v360.mp4")
    await store.put(key, whole[:50_000])
    assert (await player.get(signed("v360.mp4"), headers=asked)).status_code in (500, 503)
    await store.put(key, whole)
    assert (await player.get(signed("v360.mp4"))).content == whole


async def test_an_asset_that_is_gone_is_not_found(player: httpx.AsyncClient, store: ObjectStore) -> None:
    await store.delete_prefix(f"assets/{ASSET_ID}")
    assert (await player.get(signed("main.m3u8"))).status_code == 404


async def test_a_preflight_needs_no_token(player: httpx.AsyncClient) -> None:
    answer = await player.options(f"/v/{ASSET_ID}/v360.mp4", headers={"origin": "https://player.example"})
    assert (answer.status_code, answer.content) == (204, b"")
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("range", "cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status"))


async def test_players_on_other_sites_may_read_lengths(player: httpx.AsyncClient) -> None:
    answer = await player.get(signed("v360.mp4"), headers={"range": "bytes=0-9", "CMCD-Session": 'sid="x"'})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"Content-Length", "Content-Range"} <= set(answer.headers["access-control-expose-headers"].split(", "))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_media_can_only_be_read(player: httpx.AsyncClient, method: str) -> None:
    answer = await player.request(method, signed("v360.mp4"))
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_what_a_player_reports_with_its_requests_goes_on_its_way(
    keys: Keys, store: ObjectStore, tmp_path: Path
) -> None:
    async with at_work(EdgeDesk(), tmp_path / "c.sock") as channel:
        metrics = Metrics(channel, "", "edge-1")
        route = MediaRoute(
            EdgeSettings(), ORIGIN, store, keys, grants=Grants(channel, "", "e", keys.refresh), metrics=metrics
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(route), base_url=ORIGIN) as client:
            url = signed("v360.mp4")
            await client.get(url)
            await client.get(f"{url}?CMCD=br%3D300%2Cbs")
            await client.get(url, headers={"CMCD-Object": "br=400", "CMCD-Session": 'sid="x"'})
            await client.get(f"{signed('v360.mp4', session='s2')}?CMCD=%00%FF", headers={"range": "bytes=0-9"})
    taken = {
        session_id: [record.text for record in waiting.records] for session_id, waiting in metrics._waiting.items()
    }
    assert taken == {"s1": [b"br=300,bs", b'br=400,sid="x"'], "s2": [b"\x00\xff"]}


async def test_reports_in_the_query_do_not_make_a_new_ticket_of_every_request(
    player: httpx.AsyncClient, keys: Keys
) -> None:
    url = signed("v360.mp4")
    for number in range(5):
        answer = await player.get(f"{url}?CMCD=bl%3D{number}", headers={"range": "bytes=0-9"})
        assert answer.status_code == 206
    assert keys.checked == 1
