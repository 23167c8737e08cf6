"""Validation: what is wrong with a finished asset, before anybody can see it.

The bytes are held to the standards by the packager. Here the asset is compared with its source and its plan: frames,
durations, loudness, and once a second what the picture looks like. An asset may be published when `judge_asset` and the
`track_faults` of each of its tracks have found no fault.
"""

from dataclasses import replace
from pathlib import Path

from ingest.command_line import opened
from ingest.ffmpeg import Ffmpeg, Limits
from ingest.loudness import Loudness, loudness_faults, measure_arguments, read_loudness
from ingest.plan import Plan
from ingest.signature import Signature, rendition_signature
from matinee.errors import SourceRefused
from matinee.executor import Check, unchecked
from packager.index import AssetIndex, Track
from packager.validation import Verdict, judge

ALIKE = 10.0
"""Mean distance of luma or chroma, of 255, that compression and scaling may make in a second."""


def judge_asset(plan: Plan, index: AssetIndex, directory: Path, *, check: Check = unchecked) -> Verdict:
    """What shows of the asset in `directory` without decoding it."""
    verdict = judge(index, directory, check)
    return replace(verdict, faults=(*verdict.faults, *duration_faults(plan, index)))


def track_faults(
    track: Track,
    plan: Plan,
    directory: Path,
    wanted: Signature,
    *,
    loudness: Loudness,
    ffmpeg: Ffmpeg,
    limits: Limits,
    check: Check = unchecked,
) -> list[str]:
    """The faults of one track that show when all of it is decoded.

    `wanted` is the signature of the source, `loudness` that of every title.
    """
    try:
        if track.kind == "audio":
            summary = ffmpeg.run(sound_arguments(directory / track.name), limits, check=check).errors
            return [f"{track.name}: {fault}" for fault in loudness_faults(loudness, read_loudness(summary))]
        shown = rendition_signature(plan, directory / track.name, ffmpeg, limits, check=check)
    except SourceRefused as error:
        return [f"{track.name} cannot be decoded: {error}"]
    return picture_faults(track, plan, wanted, shown)


def duration_faults(plan: Plan, index: AssetIndex) -> list[str]:
    """Tracks, or a plan, that do not last as long as the film."""
    faults = []
    if abs(plan.duration - plan.source.duration) > 1 / plan.frame_rate:
        faults.append(f"the plan has {float(plan.duration):.3f} s, the source {float(plan.source.duration):.3f} s")
    faults.extend(
        f"{track.name} lasts {float(track.duration):.3f} s, the film {float(plan.duration):.3f} s"
        for track in index.tracks
        if abs(track.duration - plan.duration) > plan.gop_frames / plan.frame_rate
    )
    return faults


def picture_faults(track: Track, plan: Plan, wanted: Signature, shown: Signature) -> list[str]:
    """A rendition that has other frames than the plan, or does not look like the source."""
    faults = []
    if shown.frames != plan.frames:
        faults.append(f"{track.name} has {shown.frames} frames, the plan {plan.frames}")
    if len(shown.thumbnails) != len(wanted.thumbnails):
        faults.append(f"{track.name} has {len(shown.thumbnails)} s of pictures, the source {len(wanted.thumbnails)} s")
    unlike = [second for second, distance in enumerate(shown.differences(wanted)) if distance > ALIKE]
    if unlike:
        faults.append(f"{track.name} does not look like the source at {unlike[0]} s, and {len(unlike) - 1} s more")
    return faults


def sound_arguments(track: Path) -> list[str]:
    """The arguments of ffmpeg that decode a sound track whole and measure its loudness; the first error ends it."""
    return [*measure_arguments(opened(track, "mov")["a"]), "-xerror"]
