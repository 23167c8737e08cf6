"""Assets in memory: loaded once, rendered once, bounded."""

import asyncio
import gzip

import pytest

from edge import manifests
from edge.answers import accepts_gzip
from edge.manifests import Asset, Document, File, Library
from matinee.errors import DataLoss, MatineeError, NotFound, PermissionDenied, Unavailable
from packager import hls
from tests.small_asset import ASSET_ID, INDEX

pytestmark = pytest.mark.anyio
ENCODED = INDEX.encode()


class Shelf:
    """A store that counts what is taken from it."""

    def __init__(self, content: bytes | MatineeError = ENCODED) -> None:
        self.content = content
        self.taken: list[str] = []

    async def get(self, key: str) -> bytes:
        self.taken.append(key)
        await asyncio.sleep(0)
        if isinstance(self.content, MatineeError):
            raise self.content
        return self.content


async def test_an_index_is_loaded_once_for_all_who_ask() -> None:
    shelf = Shelf()
    library = Library(shelf)
    found = await asyncio.gather(*(library.asset(ASSET_ID) for _ in range(20)))
    assert shelf.taken == [f"assets/{ASSET_ID}/index.bin"]
    assert set(found) == {library.held(ASSET_ID)}


@pytest.mark.parametrize("failure", [NotFound("gone"), Unavailable("down")])
async def test_a_failure_is_told_and_not_kept(failure: MatineeError) -> None:
    shelf = Shelf(failure)
    library = Library(shelf)
    with pytest.raises(type(failure)):
        await library.asset(ASSET_ID)
    shelf.content = INDEX.encode()
    assert await library.asset(ASSET_ID)


async def test_a_damaged_index_is_no_asset() -> None:
    with pytest.raises(DataLoss):
        await Library(Shelf(INDEX.encode()[:-1] + b"x")).asset(ASSET_ID)


async def test_the_asset_that_was_not_asked_for_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "MOST_ASSETS", 2)
    library = Library(Shelf())
    for asset_id in ("a", "b", "a", "c"):
        await library.asset(asset_id)
    assert [library.held(asset_id) is None for asset_id in ("a", "b", "c")] == [False, True, False]


def test_a_playlist_is_rendered_once_for_all_limits() -> None:
    asset = Asset(ASSET_ID, INDEX)
    assert asset.find("v360.m3u8", 0) is asset.find("v360.m3u8", 720)
    assert asset.found("v360.m3u8", 720) is asset.find("v360.m3u8", 0)


def test_a_document_is_what_the_packager_renders() -> None:
    document = Asset(ASSET_ID, INDEX).find("v360.m3u8", 0)
    assert isinstance(document, Document)
    assert document.plain.decode() == hls.media_playlist(INDEX, INDEX.tracks[1])
    assert gzip.decompress(document.zipped) == document.plain


def test_a_main_playlist_depends_on_the_limit() -> None:
    asset = Asset(ASSET_ID, INDEX)
    whole, limited = asset.find("main.m3u8", 0), asset.find("main.m3u8", 360)
    assert isinstance(whole, Document)
    assert isinstance(limited, Document)
    assert (b"v1080" in whole.plain, b"v1080" in limited.plain) == (True, False)
    assert whole.etag != limited.etag


def test_a_track_is_named_by_what_the_index_says() -> None:
    found = Asset(ASSET_ID, INDEX).find("a0-eng.mp4", 0)
    assert isinstance(found, File)
    assert (found.key, found.size) == (f"assets/{ASSET_ID}/a0-eng.mp4", INDEX.tracks[2].file_size)


def test_a_limit_below_every_rung_leaves_the_lowest() -> None:
    asset = Asset(ASSET_ID, INDEX)
    assert isinstance(asset.find("v360.mp4", 144), File)
    with pytest.raises(PermissionDenied):
        asset.find("v1080.mp4", 144)


@pytest.mark.parametrize(
    "accepted", [b"gzip", b"br, gzip", b"gzip;q=0.5, br", b"*", b"deflate,GZIP ; q=1.0", b"x-gzip"]
)
def test_gzip_is_accepted(accepted: bytes) -> None:
    assert accepts_gzip(accepted)


@pytest.mark.parametrize(
    "accepted", [b"", b"identity", b"br", b"gzip;q=0", b"gzip;q=0.000", b"gzipped", b"notgzip", b"br;q=1"]
)
def test_gzip_is_not_accepted(accepted: bytes) -> None:
    assert not accepts_gzip(accepted)
