"""Real encodes, two seconds long, made once per session; and titles packaged from them."""

import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import pytest

from packager.index import AssetIndex
from packager.timeline import Timeline
from packager.tracks import write_audio_track, write_video_track

MOVFLAGS = ("-movflags", "frag_keyframe+empty_moov+default_base_moof")
Encode = Callable[..., Path]


def run_ffmpeg(*arguments: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *arguments]
    subprocess.run(command, check=True, timeout=60)


@pytest.fixture(scope="session")
def encode_video(tmp_path_factory: pytest.TempPathFactory) -> Encode:
    """Encodes a test picture with x264 as spans are: closed GOPs, B frames, fragmented MP4."""
    directory = tmp_path_factory.mktemp("video")

    def encode(frames: int, *options: str, rate: str = "24", gop: int = 24, size: str = "160x90") -> Path:
        path = directory / f"{len(list(directory.iterdir()))}.mp4"
        source = f"testsrc2=size={size}:rate={rate}"
        x264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-threads", "1")
        gops = ("-g", str(gop), "-keyint_min", str(gop), "-sc_threshold", "0", "-flags", "+cgop")
        run_ffmpeg(
            *("-f", "lavfi", "-i", source, "-frames:v", str(frames)), *x264, *gops, *options, *MOVFLAGS, str(path)
        )
        return path

    return encode


@pytest.fixture(scope="session")
def encode_audio(tmp_path_factory: pytest.TempPathFactory) -> Encode:
    """Encodes a tone as AAC, in fragmented MP4."""
    directory = tmp_path_factory.mktemp("audio")

    def encode(frames: int, *options: str, rate: int = 48000) -> Path:
        path = directory / f"{len(list(directory.iterdir()))}.mp4"
        source = f"sine=frequency=440:sample_rate={rate}"
        end = f"atrim=end_sample={(frames - 1) * 1024}"
        run_ffmpeg(
            *("-f", "lavfi", "-i", source, "-af", end, "-ac", "2", "-c:a", "aac"), *options, *MOVFLAGS, str(path)
        )
        return path

    return encode


@pytest.fixture(scope="session")
def timeline() -> Timeline:
    """Two and a half seconds at 24 fps: GOPs of 24, 24 and 12 frames; segments of 2 and 1 GOPs."""
    return Timeline(Fraction(24), frames=60, gop_frames=24, segment_gops=2)


@pytest.fixture(scope="session")
def title(
    timeline: Timeline, encode_video: Encode, encode_audio: Encode, tmp_path_factory: pytest.TempPathFactory
) -> tuple[AssetIndex, Path]:
    """A packaged title of two renditions and two languages: its index and its folder."""
    directory = tmp_path_factory.mktemp("title")
    low = [encode_video(48), encode_video(12)]
    high = [encode_video(48, size="320x180"), encode_video(12, size="320x180")]
    sound = encode_audio(timeline.audio_frames)
    tracks = (
        write_video_track(high, timeline, directory / "v180.mp4", name="v180.mp4", rung=180),
        write_video_track(low, timeline, directory / "v90.mp4", name="v90.mp4", rung=90),
        write_audio_track(
            sound, timeline, directory / "a0-eng.mp4", name="a0-eng.mp4", language="eng", label="English", default=True
        ),
        write_audio_track(
            sound, timeline, directory / "a1-deu.mp4", name="a1-deu.mp4", language="deu", label="Deutsch"
        ),
    )
    return AssetIndex(timeline, tracks), directory
