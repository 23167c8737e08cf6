"""Signatures: what a film looks like once a second, small enough to compare, and how many frames it has.

The source is decoded from start to end for its signature, not by the seeking that spans do; so what a wrong seek, a
lost frame or a broken filter would do to a rendition is seen. Its pictures are brought into standard colours at the
size of the largest rung, as that rung's are, and made small only then: tone mapping and the limits of the colour space
are not linear, and of strong colours the mean of what was mapped is far from what the mean is mapped to.
"""

import hashlib
import re
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import ffmpeg as builder
import numpy as np
from numpy.typing import NDArray

from ingest import filters
from ingest.command_line import arguments, opened
from ingest.ffmpeg import Ffmpeg, Limits
from ingest.plan import Plan
from matinee.executor import Check, OnSeconds, unchecked, unheard

FORMAT = 2
"""Counts changes to how signatures are made; stored ones of another format are not used again."""
SIGNATURE_FILE = "signature.npz"
PLANES, HEIGHT, WIDTH = THUMBNAIL = 3, 9, 16  # Y, Cb, Cr; small enough that the noise of small rungs averages out
FRAMES = re.compile(r"^frame=\s*(\d+)", re.MULTILINE)

Thumbnails = NDArray[np.uint8]


@dataclass(frozen=True)
class Signature:
    """One small picture per second of film, in Y, Cb and Cr, and the number of frames that were decoded."""

    thumbnails: Thumbnails
    frames: int

    def differences(self, other: "Signature") -> list[float]:
        """Mean distance, 0 to 255, of the plane that differs most, for each second that both have."""
        seconds = min(len(self.thumbnails), len(other.thumbnails))
        distances = np.abs(self.thumbnails[:seconds].astype(np.int16) - other.thumbnails[:seconds])
        return [float(distance) for distance in distances.mean(axis=(2, 3)).max(axis=1)]


def write_signature(
    plan: Plan, source: Path, directory: Path, ffmpeg: Ffmpeg, limits: Limits, *,
    check: Check = unchecked, on_seconds: OnSeconds = unheard,
) -> None:  # fmt: skip
    """Write the signature that the title should have into `directory`; `on_seconds` hears of the end alone."""
    found = _signature(ffmpeg, source_arguments(plan, source), limits, check)
    np.savez(directory / SIGNATURE_FILE, thumbnails=found.thumbnails, frames=found.frames)
    on_seconds(float(plan.duration))


def read_signature(directory: Path) -> Signature:
    """The signature that `write_signature` has written into `directory`."""
    with np.load(directory / SIGNATURE_FILE) as found:
        return Signature(found["thumbnails"], int(found["frames"]))


def signature_digest(plan: Plan, source_sha256: str, version: str) -> str:
    """Names the signature of a source: equal names mean equal signatures; `version` is ffmpeg's."""
    return hashlib.sha256(f"{FORMAT} {source_sha256} {version} {plan.model_dump_json()}".encode()).hexdigest()


def rendition_signature(
    plan: Plan, rendition: Path, ffmpeg: Ffmpeg, limits: Limits, *, check: Check = unchecked
) -> Signature:
    """The signature of a rendition. Raises `SourceRefused` when any of it cannot be decoded."""
    return _signature(ffmpeg, rendition_arguments(plan, rendition), limits, check)


def source_arguments(plan: Plan, source: Path) -> list[str]:
    """The arguments of ffmpeg for the signature of the source."""
    picture = plan.source.picture
    video = opened(source, plan.source.container)[str(picture.stream)]
    video = filters.on_grid(video, picture, picture.start, plan.frame_rate).filter("trim", end_frame=plan.frames)
    split = video.filter_multi_output("split")
    chosen = filters.upright(_once_a_second(split[0], plan), picture.rotation)
    chosen = filters.standard_colour(chosen, picture, plan.rungs[0].width, plan.rungs[0].height)
    return _outputs(chosen, split[1])


def rendition_arguments(plan: Plan, rendition: Path) -> list[str]:
    """The arguments of ffmpeg for the signature of a rendition; the first error ends it."""
    split = opened(rendition, "mov")["v"].filter_multi_output("split")
    return [*_outputs(_once_a_second(split[0], plan), split[1]), "-xerror"]


def _once_a_second(video: filters.Stream, plan: Plan) -> filters.Stream:
    return video.filter("select", f"not(mod(n,{ceil(plan.frame_rate)}))")


def _outputs(chosen: filters.Stream, every: filters.Stream) -> list[str]:
    """Small pictures on stdout, and every frame counted by the progress on stderr."""
    counted = builder.output(every, "-", f="null", fps_mode="passthrough")
    small = chosen.filter("scale", WIDTH, HEIGHT, flags="area").filter("format", "yuv444p")
    pictures = builder.output(small, "pipe:1", f="rawvideo", fps_mode="passthrough")
    return [*arguments(builder.merge_outputs(counted, pictures)), "-progress", "pipe:2"]


def _signature(ffmpeg: Ffmpeg, command: list[str], limits: Limits, check: Check) -> Signature:
    output = ffmpeg.run(command, limits, check=check)
    counts = FRAMES.findall(output.errors)
    thumbnails = np.frombuffer(output.data, dtype=np.uint8).reshape(-1, *THUMBNAIL)
    return Signature(thumbnails, int(counts[-1]) if counts else 0)
