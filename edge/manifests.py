"""What an asset offers: track files, and manifests computed from its index, rendered once and compressed once.

A limit of lines (from the grant) leaves taller renditions out of main playlists, and refuses their files and playlists.
"""

import gzip
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from edge.flights import SingleFlight
from matinee.errors import NotFound, PermissionDenied
from matinee.layout import INDEX, asset_key
from packager import dash, hls
from packager.index import AssetIndex, Track

MOST_ASSETS = 64
"""Indexes kept, of about 3 MB each for a title of two hours."""
HLS_TYPE = b"application/vnd.apple.mpegurl"
DASH_TYPE = b"application/dash+xml"
TRACK_TYPES = {"video": b"video/mp4", "audio": b"audio/mp4"}
FOR_EVERYBODY = b"private, max-age=3600"
"""Media playlists are the same for every viewer. Private all the same: their URL holds a viewer's token."""
FOR_ONE_GRANT = b"private, no-cache"
FOR_EVER = b"private, max-age=31536000, immutable"


class WholeReader(Protocol):
    """What the library needs of an object store."""

    async def get(self, key: str) -> bytes:
        """An object whole. Raises `NotFound`."""
        ...


@dataclass(frozen=True, slots=True)
class File:
    """A track as it lies in the store: immutable, served by ranges."""

    key: str
    size: int
    etag: bytes
    content_type: bytes
    cache_control: bytes = FOR_EVER


@dataclass(frozen=True, slots=True)
class Document:
    """A rendered manifest, plain and gzipped."""

    plain: bytes
    zipped: bytes
    etag: bytes
    content_type: bytes
    cache_control: bytes

    @classmethod
    def render(cls, text: str, content_type: bytes, cache_control: bytes) -> "Document":
        """Compress and tag a manifest."""
        plain = text.encode()
        etag = b'"%s"' % hashlib.sha256(plain).hexdigest()[:22].encode()
        return cls(plain, gzip.compress(plain, 6, mtime=0), etag, content_type, cache_control)


class Asset:
    """An asset index, and what has been made of it so far."""

    def __init__(self, asset_id: str, index: AssetIndex) -> None:
        self._asset_id = asset_id
        self._index = index
        self._found: dict[tuple[str, int], File | Document] = {}
        self._playlists: dict[str, Document] = {}

    def found(self, name: str, max_height: int) -> File | Document | None:
        """What `find` has answered before."""
        return self._found.get((name, max_height))

    def find(self, name: str, max_height: int) -> File | Document:
        """What is served under this name within the limit (0: none); the first rendering takes some 50 ms.

        Raises `NotFound`, and `PermissionDenied` for a track beyond the limit.
        """
        found = self._found.get((name, max_height)) or self._make(name, max_height)
        self._found[name, max_height] = found
        return found

    def _make(self, name: str, max_height: int) -> File | Document:
        if name == "main.m3u8":
            return Document.render(hls.main_playlist(self._index, max_height), HLS_TYPE, FOR_ONE_GRANT)
        if name == "main.mpd":
            return Document.render(dash.manifest(self._index, max_height), DASH_TYPE, FOR_ONE_GRANT)
        track = self._track(name)
        if track not in self._index.offered(max_height):
            raise PermissionDenied("this subscription does not include this quality")
        return self._file(track) if name == track.name else self._playlist(name, track)

    def _track(self, name: str) -> Track:
        stem = name.rpartition(".")[0]
        for track in self._index.tracks:
            if name == track.name or (name.endswith(".m3u8") and stem in _playlist_stems(track)):
                return track
        raise NotFound("there is no such file")

    def _file(self, track: Track) -> File:
        key = asset_key(self._asset_id, track.name)
        etag = f'"{self._asset_id}-{track.stem}"'.encode()
        return File(key, track.file_size, etag, TRACK_TYPES[track.kind])

    def _playlist(self, name: str, track: Track) -> Document:
        if name not in self._playlists:
            keyframes = name != f"{track.stem}.m3u8"
            text = hls.iframe_playlist(track) if keyframes else hls.media_playlist(self._index, track)
            self._playlists[name] = Document.render(text, HLS_TYPE, FOR_EVERYBODY)
        return self._playlists[name]


class Library:
    """The assets that were asked for lately, at most `MOST_ASSETS`."""

    def __init__(self, store: WholeReader) -> None:
        self._store = store
        self._assets: OrderedDict[str, Asset] = OrderedDict()
        self._loading = SingleFlight[Asset]()

    def held(self, asset_id: str) -> Asset | None:
        """The asset, when it is in memory."""
        asset = self._assets.get(asset_id)
        if asset is not None:
            self._assets.move_to_end(asset_id)
        return asset

    async def asset(self, asset_id: str) -> Asset:
        """The asset, loaded once for all who ask. Raises `NotFound`, `Unavailable`, `DataLoss`."""
        if asset := self.held(asset_id):
            return asset
        return await self._loading.join(asset_id, lambda: self._load(asset_id))

    async def _load(self, asset_id: str) -> Asset:
        index = AssetIndex.decode(await self._store.get(asset_key(asset_id, INDEX)))
        self._assets[asset_id] = asset = Asset(asset_id, index)
        if len(self._assets) > MOST_ASSETS:
            self._assets.popitem(last=False)
        return asset


def _playlist_stems(track: Track) -> tuple[str, ...]:
    return (track.stem, f"{track.stem}-iframes") if track.kind == "video" else (track.stem,)
