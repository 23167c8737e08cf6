"""The plan for one film: its timeline, ladder, audio tracks and spans. Pure: the same source gives the same plan."""

from fractions import Fraction
from math import ceil

from ingest.ladder import Rung, ladder
from ingest.rates import nearest_rate
from ingest.source import Facts, Sound, Source
from matinee.settings import LadderSettings
from packager.languages import language_name
from packager.timeline import Timeline

DEINTERLACING_FRAMES = 2
LEAST_SPANS = 16
"""A film that makes fewer of the usual length is cut finer, down to single segments: no core shall wait at the end."""


class Span(Facts):
    """A stretch of the film that one encode handles: whole segments, but for the last.

    `first` counts frames of the timeline from 0. `seek` is the time in the source from which decoding yields every
    picture of the span; None means from the beginning.
    """

    number: int
    first: int
    frames: int
    seek: Fraction | None


class AudioTrack(Facts):
    """An audio track of the title, made from one audio stream of the source."""

    name: str
    label: str
    sound: Sound
    default: bool


class Plan(Facts):
    """What is made of a film. `Plan.model_validate_json(plan.model_dump_json())` gives the same plan."""

    source: Source
    frame_rate: Fraction
    frames: int
    gop_frames: int
    segment_gops: int
    rungs: tuple[Rung, ...]
    audio: tuple[AudioTrack, ...]
    spans: tuple[Span, ...]

    @property
    def timeline(self) -> Timeline:
        """The timeline that every track of the title keeps."""
        return Timeline(self.frame_rate, self.frames, self.gop_frames, self.segment_gops)

    @property
    def duration(self) -> Fraction:
        """Length of the film in seconds."""
        return self.frames / self.frame_rate


def plan(source: Source, settings: LadderSettings) -> Plan:
    """Plan the title that is made of a source."""
    rate = nearest_rate(source.picture.frame_rate)
    frames = max(1, round(source.duration * rate))
    gop_frames = max(1, round(settings.gop_seconds * ceil(rate)))
    segment_frames = gop_frames * settings.segment_gops
    span_frames = segment_frames * min(settings.span_segments, ceil(frames / segment_frames / LEAST_SPANS))
    if not source.picture.timed:
        span_frames = frames  # it can only be decoded from its beginning
    return Plan(
        source=source,
        frame_rate=rate,
        frames=frames,
        gop_frames=gop_frames,
        segment_gops=settings.segment_gops,
        rungs=ladder(source.picture.display_size, settings.heights, rate),
        audio=_audio_tracks(source.sounds),
        spans=tuple(
            Span(
                number=number,
                first=first,
                frames=min(span_frames, frames - first),
                seek=_seek(source, first / rate, rate),
            )
            for number, first in enumerate(range(0, frames, span_frames))
        ),
    )


def _seek(source: Source, into: Fraction, rate: Fraction) -> Fraction | None:
    """The last keyframe that comes before everything that the span shows, or None for the beginning."""
    picture = source.picture
    needed = picture.start + into - (DEINTERLACING_FRAMES / rate if picture.interlaced else 0)
    earlier = [key for key in picture.keyframes if key <= needed]
    return earlier[-1] if into and earlier and earlier[-1] > picture.start else None


def _audio_tracks(sounds: tuple[Sound, ...]) -> tuple[AudioTrack, ...]:
    """One track for each audio stream; the stream that the source calls default, or else the first, is ours."""
    chosen = next((sound for sound in sounds if sound.default), sounds[0] if sounds else None)
    return tuple(
        AudioTrack(name=f"a{number}-{sound.language}", label=label, sound=sound, default=sound is chosen)
        for number, (sound, label) in enumerate(zip(sounds, _labels(sounds), strict=True))
    )


def _labels(sounds: tuple[Sound, ...]) -> list[str]:
    """What people read in the menu of audio tracks: each differs, so that they can tell one from the other."""
    names = [language_name(sound.language) or "Audio" for sound in sounds]
    return [
        f"{name} {names[:number].count(name) + 1}" if names.count(name) > 1 else name
        for number, name in enumerate(names)
    ]
