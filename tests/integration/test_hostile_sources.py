"""Files that try to make FFmpeg open others: refused, with nothing else opened and nothing asked of the network.

Each is also given to ffmpeg itself as a span would be, as if probing had let it pass: the child may open that file
alone.
"""

import ctypes
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import ffmpeg
import pytest

from ingest.command_line import arguments, opened
from ingest.ffmpeg import Limits
from ingest.probe import probe
from ingest.source import Container
from matinee.errors import MatineeError, SourceRefused
from matinee.settings import SourceSettings
from tests.films import film
from tests.titles import FFMPEG, make_title

pytestmark = pytest.mark.integration

IN_OPEN = 0x20  # linux/inotify.h
LIMITS = Limits(memory_bytes=4 * 1024**3, wall_seconds=60)


@dataclass(frozen=True)
class Bait:
    """A file and an address that nobody may touch."""

    canary: Path
    url: str


@contextmanager
def watched(folder: Path) -> Iterator[Bait]:
    """A canary file and a listener on loopback; both are found untouched in the end."""
    canary = folder / "canary.txt"
    canary.write_text("secret")
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(watch, os.fsencode(canary), IN_OPEN) > 0
    with socket.create_server(("127.0.0.1", 0)) as listener, os.fdopen(watch, "rb", buffering=0) as events:
        listener.setblocking(False)
        yield Bait(canary, f"http://127.0.0.1:{listener.getsockname()[1]}/x.ts")
        assert events.read(4096) is None, "the canary was opened"
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_the_watch_notices(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="the canary was opened"), watched(tmp_path) as bait:
        bait.canary.read_text()


def playlist(bait: Bait, path: Path) -> bytes:
    return f"#EXTM3U\n#EXTINF:1,\nfile://{bait.canary}\n#EXTINF:1,\n{bait.url}\n#EXTINF:1,\n{path}\n#EXT-X-ENDLIST\n".encode()


def endless_playlist(bait: Bait, path: Path) -> bytes:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{path}\n".encode()


def concat_list(bait: Bait, path: Path) -> bytes:
    return f"ffconcat version 1.0\nfile '{bait.canary}'\nfile '{bait.url}'\nfile '{path}'\n".encode()


def manifest(bait: Bait, path: Path) -> bytes:
    representation = f'<Representation id="0" bandwidth="1"><BaseURL>{bait.url}</BaseURL></Representation>'
    period = f"<Period><AdaptationSet>{representation}</AdaptationSet></Period>"
    return f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">{period}</MPD>'.encode()


def description(bait: Bait, path: Path) -> bytes:
    return f"v=0\nc=IN IP4 127.0.0.1\nm=video {bait.url.split(':')[2].split('/')[0]} RTP/AVP 96\n".encode()


def playlist_behind_a_film_head(bait: Bait, path: Path) -> bytes:
    return b"RIFF\x00\x00\x00\x00AVI " + playlist(bait, path)


def subtitles_in_avi(bait: Bait, path: Path) -> bytes:
    """An AVI whose second stream says that it is subtitles, in a file of its own: a playlist (CVE-2017-9993)."""
    data = bytearray(film(path.with_name("film.avi"), seconds=1, audio_options=["-c:a", "pcm_s16le"]).read_bytes())
    data = data.replace(b"strh\x38\x00\x00\x00auds", b"strh\x38\x00\x00\x00txts")
    embedded = playlist(bait, path)
    title = "x".encode("utf-16-le")
    head = b"GAB2\x00\x02\x00" + len(title).to_bytes(4, "little") + title + b"\x04\x00"
    subtitles = head + len(embedded).to_bytes(4, "little") + embedded
    first = data.index(b"01wb")
    data[first + 8 : first + 8 + len(subtitles)] = subtitles
    return bytes(data.replace(b"01wb", b"01tx"))


Hostile = Callable[[Bait, Path], bytes]
REFUSED: list[Hostile] = [
    playlist,
    endless_playlist,
    concat_list,
    manifest,
    description,
    playlist_behind_a_film_head,
]


@pytest.mark.parametrize("hostile", [*REFUSED, subtitles_in_avi], ids=lambda hostile: hostile.__name__)
@pytest.mark.parametrize("ending", ["mp4", "m3u8"])
def test_nothing_else_is_opened(hostile: Hostile, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"film.{ending}"
    with watched(tmp_path) as bait:
        path.write_bytes(hostile(bait, path))
        if hostile in REFUSED:
            with pytest.raises(SourceRefused):
                probe(path, SourceSettings())
        else:
            assert probe(path, SourceSettings()).sounds == ()
        for container in get_args(Container):
            survive_ffmpeg(path, cast("Container", container))


def survive_ffmpeg(path: Path, container: Container) -> None:
    """Decode with a forced demuxer; whatever comes of it, it ends by itself and in time."""
    with suppress(SourceRefused):
        FFMPEG.run(arguments(ffmpeg.output(opened(path, container)["v"], "-", f="null")), LIMITS)


@pytest.mark.parametrize("name", ["concat:a|b.mp4", "-i x.mp4", "http:x.mp4", "data:,x.mp4", "%03d.mp4", "a\nb'\".mp4"])
def test_a_name_is_only_a_name(name: str, tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", seconds=0.4).rename(tmp_path / name)
    assert make_title(source, tmp_path / "title").faults() == []


def test_a_child_cannot_reach_the_network(tmp_path: Path) -> None:
    with watched(tmp_path) as bait, pytest.raises(MatineeError):
        FFMPEG.run(
            ["-nostdin", "-protocol_whitelist", "file", "-f", "mpegts", "-i", bait.url, "-f", "null", "-"], LIMITS
        )
