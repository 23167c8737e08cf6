"""Small films with known content, made with the project's own ffmpeg.

Every frame shows its number as a row of black and white blocks, and once a second a flash goes with a beep; so a test
can read which frame it looks at, and whether sound and picture agree.
"""

import atexit
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 48_000
COUNTER_BITS = 12
BEEP_SECONDS = 0.1
BEEP_HERTZ = 1000
PADDING_BYTES = 16 * 1024**2

Luma = NDArray[np.uint8]


def film(
    path: Path,
    *,
    seconds: float = 4,
    size: tuple[int, int] = (320, 180),
    rate: str | Fraction = "25",
    audio: Sequence[str] = ("eng",),
    channels: int = 2,
    video_options: Sequence[str] = (),
    audio_options: Sequence[str] = (),
    options: Sequence[str] = (),
) -> Path:
    """Make a film at `path`, of the kind that its ending names, with one audio stream per language in `audio`.

    `video_options` and `audio_options` choose encoders; x264 and the container's usual audio otherwise.
    """
    frame_rate = Fraction(rate)
    frames = round(seconds * frame_rate)
    width, height = size
    raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", str(rate), "-i", "pipe:0"]
    sound = ["-f", "s16le", "-ar", str(SAMPLE_RATE), "-ac", str(channels), "-i"]
    with tempfile.NamedTemporaryFile(suffix=".pcm") as pcm:
        pcm.write(beeps(seconds, channels).tobytes())
        pcm.flush()
        maps = ["-map", "0:v"]
        for number, language in enumerate(audio):
            maps += ["-map", "1:a", f"-metadata:s:a:{number}", f"language={language}"]
        encoders = [*(video_options or X264), *audio_options]
        run([*raw, *sound, pcm.name, *maps, *encoders, *options, str(path)], pictures(frames, size, frame_rate))
    return path


X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50", "-bf", "2")


@cache
def shared_film() -> Path:
    """One film of 4 s for all tests that only read it."""
    folder = Path(tempfile.mkdtemp(prefix="matinee-films-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return film(folder / "film.mp4")


def run(arguments: Sequence[str], data: bytes = b"") -> bytes:
    """Run ffmpeg on trusted input, and give what it wrote on stdout."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y", *arguments]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True, timeout=60).stdout


def pictures(frames: int, size: tuple[int, int], rate: Fraction) -> bytes:
    """The frames of a film: above its number in blocks, below a moving ramp, white while it flashes."""
    width, height = size
    ramp = np.arange(width, dtype=np.int64)[None, :].repeat(height, axis=0)
    made = []
    for number in range(frames):
        frame = ((ramp + 3 * number) % 160 + 40).astype(np.uint8)
        frame[: height // 2] = counter_row(number, width)
        if number / rate % 1 < BEEP_SECONDS:
            frame[height // 2 :] = 255
        made.append(frame.tobytes())
    return b"".join(made)


def counter_row(number: int, width: int) -> Luma:
    """One line of the block pattern of a number, highest bit first."""
    bits = [number >> bit & 1 for bit in reversed(range(COUNTER_BITS))]
    return np.array([235 if bits[column * COUNTER_BITS // width] else 16 for column in range(width)], dtype=np.uint8)


def read_counter(frame: Luma) -> int:
    """The number that a frame shows."""
    height, width = frame.shape
    centres = [(2 * bit + 1) * width // (2 * COUNTER_BITS) for bit in range(COUNTER_BITS)]
    number = 0
    for centre in centres:
        number = number * 2 + int(frame[height // 4, centre] > 128)
    return number


def is_flash(frame: Luma) -> bool:
    """Whether a frame is one of those that flash."""
    return float(np.median(frame[frame.shape[0] * 5 // 8 :])) > 225


def beeps(seconds: float, channels: int) -> NDArray[np.int16]:
    """Sound of the same length: a beep at every whole second."""
    moments = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = np.where(moments % 1 < BEEP_SECONDS, np.sin(2 * np.pi * BEEP_HERTZ * moments), 0)
    return (tone * 8000).astype(np.int16)[:, None].repeat(channels, axis=1)


def luma_frames(path: Path, size: tuple[int, int] | None = None, options: Sequence[str] = ()) -> list[Luma]:
    """Every frame of a file as luma, scaled to `size`; every one that was encoded, none repeated."""
    width, height = size or (320, 180)
    scaled = ["-vf", f"scale={width}:{height}:flags=area", "-pix_fmt", "gray", "-f", "rawvideo"]
    data = run([*options, "-i", str(path), "-map", "0:v:0", "-fps_mode", "passthrough", *scaled, "-"])
    frames: Any = np.frombuffer(data, dtype=np.uint8).reshape(-1, height, width)
    return list(frames)


def samples(path: Path) -> NDArray[np.float32]:
    """The sound of a file, its first channel, every sample that was encoded."""
    data = run(["-i", str(path), "-map", "0:a:0", "-ac", "1", "-ar", str(SAMPLE_RATE), "-f", "f32le", "-"])
    return np.frombuffer(data, dtype=np.float32)


def padded(film: bytes) -> bytes:
    """The same film, and a box behind it that players skip (ISO/IEC 14496-12, 8.1.2): it takes a while to fetch."""
    return film + struct.pack(">I4s", PADDING_BYTES, b"free") + bytes(PADDING_BYTES - 8)
