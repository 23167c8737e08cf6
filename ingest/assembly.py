"""Assembly: encoded spans and sound become the tracks and the index of an asset."""

from collections.abc import Sequence
from pathlib import Path

from ingest.audio import AUDIO_FILE
from ingest.ladder import Rung
from ingest.plan import AudioTrack, Plan
from matinee.executor import Check, unchecked
from matinee.layout import INDEX
from packager.index import AssetIndex, Track
from packager.tracks import write_audio_track, write_video_track


def assemble(
    plan: Plan, spans: Sequence[Path], audio: Sequence[Path], destination: Path, *, check: Check = unchecked
) -> AssetIndex:
    """Join the encoded parts of a title in the folder `destination`, and write the asset index beside them.

    `spans` are the folders of encoded spans, `audio` those of encoded sound, both in the order of the plan. `check` is
    called at every fragment; what it raises ends the work. Raises `DataLoss` or `InvalidInput` when a part is not what
    the plan asked for.
    """
    video = [_video(plan, rung, spans, destination, check) for rung in plan.rungs]
    sound = [_audio(plan, track, folder, destination, check) for track, folder in zip(plan.audio, audio, strict=True)]
    index = AssetIndex(plan.timeline, (*video, *sound))
    (destination / INDEX).write_bytes(index.encode())
    return index


def _video(plan: Plan, rung: Rung, spans: Sequence[Path], destination: Path, check: Check) -> Track:
    name = f"v{rung.name}.mp4"
    parts = [span / f"{rung.name}.mp4" for span in spans]
    return write_video_track(parts, plan.timeline, destination / name, name=name, rung=rung.lines, check=check)


def _audio(plan: Plan, track: AudioTrack, folder: Path, destination: Path, check: Check) -> Track:
    name = f"{track.name}.mp4"
    return write_audio_track(
        folder / AUDIO_FILE,
        plan.timeline,
        destination / name,
        name=name,
        language=track.sound.language,
        label=track.label,
        default=track.default,
        check=check,
    )
