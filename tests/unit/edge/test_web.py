"""The web application's files: which path gives which, and under what policy."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from edge.guard import Guard
from edge.web import WebApplication

pytestmark = pytest.mark.anyio

INDEX = b"<!doctype html><title>Matinee</title>"
POLICY = b"default-src 'none'; script-src 'self'; connect-src 'self'; media-src 'self' blob:"
SCRIPT = b"console.log('film');" * 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_bytes(INDEX)
    (static / "assets" / "index-abc123.js").write_bytes(SCRIPT)
    (static / "content-security-policy.txt").write_bytes(POLICY)
    (static / "favicon.svg").write_bytes(b"<svg/>")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    return static


@pytest.fixture
async def page(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(folder) as client:
        yield client


def client_of(folder: Path) -> httpx.AsyncClient:
    app = Guard(WebApplication(folder, "https://films.example"))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/search?q=night",
        "/plans",
        "/account",
        "/account/",
        "/sign-in",
        "/sign-in?next=%2Fwatch%2Ft1",
        "/sign-in/callback?code=c&state=s",
        "/register",
        "/confirm?token=t",
        "/forgot",
        "/reset?token=t",
        "/title/t1",
        "/watch/t1",
        "/watch/t1/",
        "/index.html",
    ],
)
async def test_the_pages_of_the_application_are_its_index(page: httpx.AsyncClient, path: str) -> None:
    answer = await page.get(path)
    assert (answer.status_code, answer.content) == (200, INDEX)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


async def test_hashed_assets_are_kept_for_ever(page: httpx.AsyncClient) -> None:
    answer = await page.get("/assets/index-abc123.js")
    assert answer.content == SCRIPT
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]


async def test_text_is_compressed_for_who_takes_gzip(page: httpx.AsyncClient) -> None:
    async with page.stream("GET", "/assets/index-abc123.js", headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == SCRIPT
    assert len(raw) < len(SCRIPT) / 10


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "br, gzip; q=0.0", "notgzip"])
async def test_others_get_it_plain(page: httpx.AsyncClient, accepted: str) -> None:
    answer = await page.get("/assets/index-abc123.js", headers={"accept-encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', 'W/"other",W/{}', "*"])
@pytest.mark.parametrize("accepted", ["gzip", "identity"])
async def test_what_the_client_has_is_not_sent_again(page: httpx.AsyncClient, form: str, accepted: str) -> None:
    etag = (await page.get("/", headers={"accept-encoding": accepted})).headers["etag"]
    answer = await page.get("/", headers={"if-none-match": form.format(etag), "accept-encoding": accepted})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert answer.headers["vary"] == "accept-encoding"


async def test_each_coding_has_a_tag_of_its_own(page: httpx.AsyncClient) -> None:
    codings = [await page.get("/", headers={"accept-encoding": accepted}) for accepted in ("gzip", "identity")]
    zipped, plain = [answer.headers["etag"] for answer in codings]
    assert zipped != plain
    answer = await page.get("/", headers={"if-none-match": zipped, "accept-encoding": "identity"})
    assert (answer.status_code, answer.content) == (200, INDEX)


async def test_the_policy_is_that_of_the_build_and_media_may_come_from_the_public_name(page: httpx.AsyncClient) -> None:
    assert (await page.get("/")).headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; "
        "connect-src 'self' https://films.example; media-src 'self' blob: https://films.example"
    )


async def test_without_a_build_nothing_may_run(tmp_path: Path) -> None:
    async with client_of(tmp_path / "nothing") as page:
        policy = (await page.get("/")).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "script-src" not in policy


async def test_signed_urls_do_not_leak_as_referrer(page: httpx.AsyncClient) -> None:
    assert (await page.get("/")).headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    [
        "/secret.txt",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%5c..%5csecret.txt",
        "//etc/passwd",
        "/assets/",
        "/watch/",
        "/watch/a/b",
        "/title/",
        "/plans/a",
        "/content-security-policy.txt",
        "/%00",
        "/index.html%00.js",
    ],
)
async def test_nothing_else_is_there(page: httpx.AsyncClient, path: str) -> None:
    answer = await page.get(path)
    assert answer.status_code == 404
    assert b"secret" not in answer.content


BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/nope", "/watch/a/b", "/../secret.txt", "/%2e%2e/secret.txt"])
async def test_a_browser_that_is_lost_gets_the_application_which_says_so(page: httpx.AsyncClient, path: str) -> None:
    answer = await page.get(path, headers=BROWSER)
    assert (answer.status_code, answer.content) == (404, INDEX)
    assert "content-security-policy" in answer.headers
    again = await page.get(path, headers=BROWSER | {"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (404, INDEX)


async def test_an_asset_that_is_gone_is_no_page(page: httpx.AsyncClient) -> None:
    answer = await page.get("/assets/index-old.js", headers=BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_the_icon_is_found_where_browsers_look_for_it(page: httpx.AsyncClient) -> None:
    answer = await page.get("/favicon.ico")
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "image/svg+xml", b"<svg/>")


async def test_pages_are_only_read(page: httpx.AsyncClient) -> None:
    answer = await page.post("/")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


async def test_an_application_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    async with client_of(tmp_path / "nothing") as page:
        assert "make web" in (await page.get("/watch/t1")).text
