"""Probing: what is in a source, or why it is not taken. The only module, with `poster`, that imports PyAV.

The file is untrusted. Its container is known by its bytes and its demuxer forced; FFmpeg reads it through a file that
we opened and may open nothing else; codecs are checked against a list before a decoder exists. One pass over every
packet gives exact times, and the first pictures are decoded for what only a decoder knows.
"""

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NoReturn

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ingest.codecs import AUDIO_CODECS, DECODERS, VIDEO_CODECS
from ingest.containers import DEMUXERS, HEAD_BYTES, sniff
from ingest.ladder import LEAST_SIDE
from ingest.rates import source_rate
from ingest.source import Container, Matrix, Picture, Rotation, Sound, Source, Transfer
from ingest.times import SoundEnd, Times, check_length
from matinee.errors import SourceRefused
from matinee.executor import Check, unchecked
from matinee.settings import SourceSettings

READ_BYTES = 1024**2
LONGEST_PROBE = 900.0
"""Seconds of CPU: what a film takes of the disk's time, or waits for others, is not its fault."""
TIME_BASE = Fraction(1, 1000)  # of a stream that says none
SAMPLED_FRAMES = 12
SAMPLED_PACKETS = 120
MOST_SOUNDS = 16
HD_LINES = 720  # pictures that do not say: BT.601 below, BT.709 from here
PQ, HLG = 16, 18  # ITU-T H.273, table 3
MATRICES: dict[int, Matrix] = {1: "bt709", 5: "bt601", 6: "bt601", 9: "bt2020", 10: "bt2020"}  # H.273, table 4
FULL_RANGE = 2


def libraries() -> str:
    """Which PyAV probes, and which FFmpeg its libraries are of."""
    return f"PyAV {av.__version__} with FFmpeg {av.ffmpeg_version_info}"


def probe(path: Path, limits: SourceSettings, *, check: Check = unchecked) -> Source:
    """Learn what the film at `path` is.

    `check` is called at every packet; what it raises ends the work. Raises `SourceRefused`, with the reason, for a film
    that ingest does not take.
    """
    with path.open("rb") as file:
        container = sniff(file.read(HEAD_BYTES))
        file.seek(0)
        with _opened(file, container, limits) as opened:
            stream = _video_stream(opened)
            _check_codecs(opened, stream)
            _check_size(stream, limits)
            packets = _packets(opened, [stream, *opened.streams.audio], check)
            heard = {sound.index: SoundEnd(sound.time_base or TIME_BASE) for sound in opened.streams.audio}
            picture = _picture(container, packets, stream, heard, limits)
            source = Source(container=container, picture=picture, sounds=_sounds(opened, heard))
            _check_shown(source, limits)
            return source


@contextmanager
def _opened(file: BinaryIO, container: Container, limits: SourceSettings) -> Iterator[InputContainer]:
    options = {
        "codec_whitelist": DECODERS,
        "format_whitelist": DEMUXERS[container],
        "max_pixels": str(limits.max_pixels),
    }
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
        raise SourceRefused(f"its pictures have no size, or more than the {limits.max_pixels} pixels that are taken")
    if width * height > limits.max_pixels:
        raise SourceRefused(f"its pictures are {width}x{height}; at most {limits.max_pixels} pixels are taken")


def _check_shown(source: Source, limits: SourceSettings) -> None:
    check_length(source.duration, limits.max_hours * 3600)
    width, height = source.picture.display_size
    if min(width, height) < LEAST_SIDE:
        shown = f"its pictures are {int(width)}x{int(height)}"
        raise SourceRefused(f"{shown}; at least {LEAST_SIDE}x{LEAST_SIDE} are needed, since nothing is enlarged")


def _packets(opened: InputContainer, streams: Sequence[Stream], check: Check) -> Iterator["Packet[Stream]"]:
    """Every packet of these streams, in the order in which they lie in the file."""
    deadline = time.process_time() + LONGEST_PROBE
    for packet in opened.demux(*streams):
        check()
        if time.process_time() > deadline:
            raise SourceRefused(f"reading it took more than {LONGEST_PROBE:g} s of CPU time")
        yield packet


def _picture(
    container: Container,
    packets: Iterable["Packet[Stream]"],
    stream: VideoStream,
    heard: dict[int, SoundEnd],
    limits: SourceSettings,
) -> Picture:
    """Go through all packets, and describe the pictures; `heard`, by stream, hears of the sounds."""
    times = Times(stream.time_base or TIME_BASE, longest=limits.max_hours * 3600)
    frames: list[VideoFrame] = []
    stream.codec_context.thread_count = 1
    for packet in packets:
        moment = packet.pts if packet.pts is not None else packet.dts
        if moment is not None and not packet.is_discard:
            if packet.stream_index in heard:
                heard[packet.stream_index].add(moment, packet.duration or 0)
            else:
                times.add(moment, packet.duration or 0, keyframe=packet.is_keyframe)
        if packet.stream_index == stream.index and len(frames) < SAMPLED_FRAMES and times.frames <= SAMPLED_PACKETS:
            frames += _decoded(stream, packet)
    if not times.frames:
        raise SourceRefused("its video has no pictures")
    if not frames:
        raise SourceRefused("its pictures cannot be decoded")
    return _described(container, stream, times, frames, limits)


def _decoded(stream: VideoStream, packet: "Packet[Stream]") -> list[VideoFrame]:
    try:
        return stream.decode(packet)
    except av.FFmpegError:
        return []  # a damaged packet; the pictures after it may be whole


def _described(
    container: Container, stream: VideoStream, times: Times, frames: list[VideoFrame], limits: SourceSettings
) -> Picture:
    rate = source_rate(times.typical_rate(), stream.average_rate or stream.guessed_rate)
    if rate > limits.max_frame_rate:
        raise SourceRefused(f"it has {float(rate):.0f} frames per second; at most {limits.max_frame_rate} are taken")
    timed = container != "avi"
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
        timed=timed,
        start=times.start if timed else Fraction(0),
        duration=max(times.duration, 1 / rate) if timed else times.frames / rate,
        frames=times.frames,
        keyframes=times.keyframes,
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


def _sounds(opened: InputContainer, heard: dict[int, SoundEnd]) -> tuple[Sound, ...]:
    """The sounds of which something is there; files announce others too, some without channels."""
    return tuple(
        Sound(
            stream=stream.index,
            codec=stream.codec_context.codec.canonical_name,
            language=_language(stream.language),
            channels=stream.codec_context.channels,
            layout=stream.codec_context.layout.name,
            default=bool(stream.disposition & Disposition.default),
            ends=end,
        )
        for stream in opened.streams.audio
        if stream.codec_context.channels and (end := heard[stream.index].moment) is not None
    )


def _language(tag: str | None) -> str:
    return tag if tag and re.fullmatch("[a-z]{3}", tag) else "und"
