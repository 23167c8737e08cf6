"""Encoding a span: one ffmpeg child decodes a stretch of the film once and encodes every rung of it."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg as builder

from ingest import filters
from ingest.command_line import arguments, opened
from ingest.ffmpeg import Ffmpeg, Limits
from ingest.ladder import Rung
from ingest.plan import Plan, Span
from ingest.request import Request
from ingest.source import Picture
from matinee.executor import Check, OnSeconds, unchecked, unheard
from matinee.settings import LadderSettings

FORMAT = 1
"""Counts changes to how spans are encoded; results of another format are not used again."""


class SpanRequest(Request):
    """All that the bytes of an encoded span depend on."""

    picture: Picture
    begins: Fraction
    seek: Fraction | None
    frames: int
    frame_rate: Fraction
    gop_frames: int
    rungs: tuple[Rung, ...]
    preset: str
    crf: float
    format: int = FORMAT

    @property
    def seconds(self) -> Fraction:
        """Length of the span."""
        return self.frames / self.frame_rate


def span_request(plan: Plan, span: Span, ladder: LadderSettings, *, source_sha256: str, version: str) -> SpanRequest:
    """What is asked of the encoder for one span of a plan; `version` is ffmpeg's."""
    picture = plan.source.picture
    return SpanRequest(
        source_sha256=source_sha256,
        ffmpeg_version=version,
        container=plan.source.container,
        picture=picture.model_copy(update={"keyframes": ()}),
        begins=picture.start + span.first / plan.frame_rate,
        seek=span.seek,
        frames=span.frames,
        frame_rate=plan.frame_rate,
        gop_frames=plan.gop_frames,
        rungs=plan.rungs,
        preset=ladder.preset,
        crf=ladder.crf,
    )


def encode_span(
    request: SpanRequest,
    source: Path,
    directory: Path,
    ffmpeg: Ffmpeg,
    limits: Limits,
    *,
    check: Check = unchecked,
    on_seconds: OnSeconds = unheard,
) -> None:
    """Write `<rung>.mp4` for every rung of the request into `directory`, which exists.

    Raises what `Ffmpeg.run` raises; then the files in `directory` mean nothing.
    """
    ffmpeg.run(span_arguments(request, source, directory), limits, check=check, on_seconds=on_seconds)


def span_arguments(request: SpanRequest, source: Path, directory: Path) -> list[str]:
    """The arguments of ffmpeg for a span."""
    video = opened(source, request.container, request.seek)[str(request.picture.stream)]
    video = filters.on_grid(video, request.picture, request.begins, request.frame_rate)
    video = filters.upright(video.filter("trim", end_frame=request.frames), request.picture.rotation)
    top = request.rungs[0]
    video = filters.standard_colour(video, request.picture, top.width, top.height)
    streams = filters.renditions(video, request.rungs)
    outputs = [
        builder.output(stream, f"file:{directory / rung.name}.mp4", **_encoder(request, rung))
        for rung, stream in zip(request.rungs, streams, strict=True)
    ]
    return arguments(builder.merge_outputs(*outputs))


def _encoder(request: SpanRequest, rung: Rung) -> dict[str, Any]:
    return {
        "c:v": "libx264",
        "preset": request.preset,
        "profile:v": "high",
        "crf": f"{request.crf:g}",
        "maxrate": f"{rung.max_kbps}k",
        "bufsize": f"{rung.buffer_kb}k",
        "g": request.gop_frames,
        "keyint_min": request.gop_frames,
        "x264-params": "cabac=1:8x8dct=1",  # profile High with every preset
        "sc_threshold": 0,  # an IDR where the timeline has one, and nowhere else
        "flags": "+cgop+bitexact",  # closed GOPs; the same bytes every time
        "threads": 1,
        "fps_mode": "passthrough",  # the graph has made the rate constant
        "enc_time_base": f"{request.frame_rate.denominator}/{request.frame_rate.numerator}",
        "map_metadata": -1,
        "movflags": "+frag_keyframe+empty_moov+default_base_moof",
        "fflags": "+bitexact",
        "f": "mp4",
    }
