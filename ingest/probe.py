"""Probing: what is in a source, or why it is not taken. The only module, with `poster`, that imports PyAV.

The file is untrusted. Its container is known by its bytes and its demuxer forced; FFmpeg reads it through a file that
we opened and may open nothing else; codecs are checked against a list before a decoder exists. One pass over every
packet gives exact times, and the first pictures are decoded for what only a decoder knows.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NoReturn

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ingest.codecs import AUDIO_CODECS, DECODERS, VIDEO_CODECS
from ingest.containers import HEAD_BYTES, sniff
from ingest.rates import nearest_rate
from ingest.source import Container, Matrix, Picture, Rotation, Sound, Source, Transfer
from matinee.errors import SourceRefused
from matinee.settings import SourceSettings

READ_BYTES = 1024**2
LONGEST_PROBE = 900.0
SAMPLED_FRAMES = 12
SAMPLED_PACKETS = 120
MOST_SOUNDS = 16
KEYFRAME_SPACING = Fraction(1, 2)
HD_LINES = 720  # pictures that do not say: BT.601 below, BT.709 from here
PQ, HLG = 16, 18  # ITU-T H.273, table 3
MATRICES: dict[int, Matrix] = {1: "bt709", 5: "bt601", 6: "bt601", 9: "bt2020", 10: "bt2020"}  # H.273, table 4
FULL_RANGE = 2


def probe(path: Path, limits: SourceSettings) -> Source:
    """Learn what the film at `path` is.

    Raises `SourceRefused`, with the reason, for a film that ingest does not take.
    """
    with path.open("rb") as file:
        container = sniff(file.read(HEAD_BYTES))
        file.seek(0)
        with _opened(file, container, limits) as opened:
            stream = _video_stream(opened)
            _check_codecs(opened, stream)
            _check_size(stream, limits)
            return Source(container=container, picture=_picture(opened, stream, limits), sounds=_sounds(opened))


@contextmanager
def _opened(file: BinaryIO, container: Container, limits: SourceSettings) -> Iterator[InputContainer]:
    options = {"codec_whitelist": DECODERS, "format_whitelist": container, "max_pixels": str(limits.max_pixels)}
    if container == "mov":
        options["format_whitelist"] = "mov,mp4,m4a,3gp,3g2,mj2"  # the list is matched with the demuxer's full name
    if container == "matroska":
        options["format_whitelist"] = "matroska,webm"
    try:
        with av.open(
            file, "r", format=container, options=options, io_open=_refuse_to_open, buffer_size=READ_BYTES
        ) as opened:
            yield opened
    except (av.FFmpegError, ValueError) as error:
        raise SourceRefused(f"the file cannot be read as a film: {_reason(error)}") from error


def _refuse_to_open(url: str, flags: int, options: object) -> NoReturn:
    raise SourceRefused("the file names another file, which is not opened")


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return str(text).strip().lower() or "it is damaged"


def _video_stream(opened: InputContainer) -> VideoStream:
    shown = [stream for stream in opened.streams.video if not stream.disposition & Disposition.attached_pic]
    if not shown:
        raise SourceRefused("the file has no video")
    return shown[0]


def _check_codecs(opened: InputContainer, video: VideoStream) -> None:
    for stream, taken in [(video, VIDEO_CODECS), *((sound, AUDIO_CODECS) for sound in opened.streams.audio)]:
        context = stream.codec_context
        name = context.codec.canonical_name if context else "of an unknown kind"
        if name not in taken:
            raise SourceRefused(f"its {stream.type} codec is {name}, which is not taken")
    if len(opened.streams.audio) > MOST_SOUNDS:
        raise SourceRefused(f"it has {len(opened.streams.audio)} audio streams; at most {MOST_SOUNDS} are taken")


def _check_size(stream: VideoStream, limits: SourceSettings) -> None:
    width, height = stream.codec_context.width, stream.codec_context.height
    if width < 2 or height < 2:
        raise SourceRefused("its pictures have no size")
    if width * height > limits.max_pixels:
        raise SourceRefused(f"its pictures are {width}x{height}; at most {limits.max_pixels} pixels are taken")


class _Times:
    """Times of the packets of a stream, gathered one by one."""

    def __init__(self, time_base: Fraction, longest: float) -> None:
        self.time_base = time_base
        self.longest = longest
        self.frames = 0
        self.first = self.last = self.end = 0
        self.keyframes: list[int] = []
        self._spacing = int(KEYFRAME_SPACING / time_base)

    def add(self, packet: "Packet[VideoStream]") -> None:
        """Count a packet that is shown."""
        shown = packet.pts if packet.pts is not None else packet.dts
        if shown is None or packet.is_discard:
            return
        if self.frames == 0:
            self.first = self.last = shown
        self.frames += 1
        self.first = min(self.first, shown)
        if shown >= self.last:
            self.last, self.end = shown, shown + (packet.duration or 0)
        if packet.is_keyframe and (not self.keyframes or shown >= self.keyframes[-1] + self._spacing):
            self.keyframes.append(shown)
        if (self.last - self.first) * self.time_base > self.longest:
            raise SourceRefused(f"it is longer than the {self.longest / 3600:g} h that are taken")

    def rate(self) -> Fraction | None:
        """Frames per second on average; None for a single picture."""
        lasting = (self.last - self.first) * self.time_base
        return (self.frames - 1) / lasting if lasting > 0 and self.frames > 1 else None


def _picture(opened: InputContainer, stream: VideoStream, limits: SourceSettings) -> Picture:
    times = _Times(stream.time_base or Fraction(1, 1000), limits.max_hours * 3600)
    frames: list[VideoFrame] = []
    stream.codec_context.thread_count = 1
    deadline = time.monotonic() + LONGEST_PROBE
    for count, packet in enumerate(opened.demux(stream)):
        times.add(packet)
        if len(frames) < SAMPLED_FRAMES and count < SAMPLED_PACKETS:
            frames += _decoded(packet)
        if time.monotonic() > deadline:
            raise SourceRefused(f"reading it took longer than {LONGEST_PROBE:g} s")
    if not times.frames:
        raise SourceRefused("its video has no pictures")
    if not frames:
        raise SourceRefused("its pictures cannot be decoded")
    return _described(stream, times, frames, limits)


def _decoded(packet: "Packet[VideoStream]") -> list[VideoFrame]:
    try:
        return packet.decode()
    except av.FFmpegError:
        return []  # a damaged packet; the pictures after it may be whole


def _described(stream: VideoStream, times: _Times, frames: list[VideoFrame], limits: SourceSettings) -> Picture:
    declared = stream.average_rate or stream.guessed_rate
    measured = times.rate() or declared or Fraction(25)
    if measured > limits.max_frame_rate:
        raise SourceRefused(
            f"it has {float(measured):.0f} frames per second; at most {limits.max_frame_rate} are taken"
        )
    rate = nearest_rate(measured, declared)
    lasting = max(times.end, times.last) - times.first
    frame = frames[0]
    return Picture(
        stream=stream.index,
        codec=stream.codec_context.codec.canonical_name,
        width=frame.width,
        height=frame.height,
        sample_aspect=_sample_aspect(stream),
        rotation=_rotation(frame),
        interlaced=2 * sum(shown.interlaced_frame for shown in frames) > len(frames),
        bit_depth=max(component.bits for component in frame.format.components),
        transfer=_transfer(frame),
        matrix=MATRICES.get(frame.colorspace, "bt709" if frame.height >= HD_LINES else "bt601"),
        full_range=frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj"),
        frame_rate=rate,
        start=times.first * times.time_base,
        duration=max(lasting * times.time_base, 1 / rate),
        frames=times.frames,
        keyframes=tuple(key * times.time_base for key in times.keyframes),
    )


def _sample_aspect(stream: VideoStream) -> Fraction:
    aspect = stream.sample_aspect_ratio
    return aspect if aspect and Fraction(1, 10) < aspect < 10 else Fraction(1)


def _rotation(frame: VideoFrame) -> Rotation:
    """The display matrix counts anticlockwise; the nearest quarter turn is taken."""
    turns: tuple[Rotation, ...] = (0, 90, 180, 270)
    return turns[round(-frame.rotation / 90) % 4]


def _transfer(frame: VideoFrame) -> Transfer:
    names: dict[int, Transfer] = {PQ: "pq", HLG: "hlg"}
    return names.get(frame.color_trc, "sdr")


def _sounds(opened: InputContainer) -> tuple[Sound, ...]:
    return tuple(
        Sound(
            stream=stream.index,
            codec=stream.codec_context.codec.canonical_name,
            language=_language(stream.language),
            channels=stream.codec_context.channels,
            layout=stream.codec_context.layout.name,
            default=bool(stream.disposition & Disposition.default),
        )
        for stream in opened.streams.audio
    )


def _language(tag: str | None) -> str:
    return tag if tag and re.fullmatch("[a-z]{3}", tag) else "und"
