"""VLC, mpv and ffmpeg play our signed URLs, as they are."""

import re
import subprocess
from urllib.parse import urljoin

import httpx
import pytest

from tests.e2e import vlc
from tests.e2e.conftest import Title
from tests.e2e.playback import play
from tests.machine import require
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

protocols = pytest.mark.parametrize("protocol", ["hls", "dash"])


@protocols
def test_vlc_plays_without_a_complaint(stack: Stack, title: Title, protocol: str) -> None:
    with vlc.playing(stack.play(title.title_id)[protocol]) as player:
        player.wait_for_time(8)  # into the second segment
        assert player.errors() == []


@protocols
def test_vlc_seeks(stack: Stack, title: Title, protocol: str) -> None:
    with vlc.playing(stack.play(title.title_id)[protocol]) as player:
        player.wait_for_time(1)
        player.tell("seek 15")
        player.wait_for(lambda: 15 < player.time() < 20)
        player.tell("seek 3")
        player.wait_for(lambda: 3 < player.time() < 8)


def mpv(url: str, *options: str) -> tuple[list[float], str]:
    """Play to the end; the moments that it showed in seconds, and what it complained of."""
    require("mpv")
    done = subprocess.run(
        ["mpv", "--no-config", "--vo=null", "--ao=null", "--speed=4", "--msg-level=all=error,statusline=status",
         "--term-status-msg=at ${=time-pos}", *options, url],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    output = done.stdout + done.stderr
    complaints = re.sub(r"at [\d.]*|[\r\n\s]|\x1b\[\w", "", output)
    return [float(moment) for moment in re.findall(r"at (\d+\.\d+)", output)], complaints


@protocols
def test_mpv_plays_from_beginning_to_end(stack: Stack, title: Title, protocol: str) -> None:
    moments, complaints = mpv(stack.play(title.title_id)[protocol])
    assert complaints == ""
    assert moments == sorted(moments)
    assert moments[0] < 1
    assert moments[-1] > title.seconds - 1


def test_mpv_seeks(stack: Stack, title: Title) -> None:
    """By DASH only: HLS of FFmpeg before 8.0 cannot seek in fragmented MP4, whatever the playlist says."""
    moments, complaints = mpv(stack.play(title.title_id)["dash"], "--start=15", "--hr-seek=yes", "--length=3")
    assert complaints == ""
    assert 14.9 < moments[0] < 16


def decode(protocol: str, url: str, stream: str) -> int:
    """Decode a stream whole, and count its frames."""
    checksums = play(protocol, url, "-map", stream, "-fps_mode", "passthrough", "-f", "framecrc", "-")
    return sum(not line.startswith("#") for line in checksums.splitlines())


def playlists(main: str) -> tuple[list[str], list[str]]:
    """Addresses of the video and of the audio playlists that a main playlist names."""
    text = httpx.get(main).raise_for_status().text
    video = [line for line in text.splitlines() if line and not line.startswith("#")]
    audio = re.findall(r'#EXT-X-MEDIA:TYPE=AUDIO.*URI="([^"]+)"', text)
    return [urljoin(main, uri) for uri in video], [urljoin(main, uri) for uri in audio]


def test_every_rendition_of_hls_decodes_whole(stack: Stack, title: Title) -> None:
    video, audio = playlists(stack.play(title.title_id)["hls"])
    assert [decode("hls", url, "0:v") for url in video] == [title.seconds * title.rate] * len(title.heights)
    assert len(audio) == 2
    for url in audio:
        assert decode("hls", url, "0:a") >= title.seconds * 48_000 // 1024


def test_every_rendition_of_dash_decodes_whole(stack: Stack, title: Title) -> None:
    url = stack.play(title.title_id)["dash"]
    for number in range(len(title.heights)):
        assert decode("dash", url, f"0:v:{number}") == title.seconds * title.rate
    for number in range(2):
        assert decode("dash", url, f"0:a:{number}") >= title.seconds * 48_000 // 1024
