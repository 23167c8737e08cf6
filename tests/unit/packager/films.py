"""A title of two hours as it lies in an index: no bytes, but realistic sizes."""

import random
from fractions import Fraction
from itertools import pairwise

from packager.index import AssetIndex, Track
from packager.timeline import Timeline

LADDER = {1080: 5_000_000, 720: 3_000_000, 540: 1_800_000, 360: 800_000, 234: 300_000}
LANGUAGES = ("eng", "deu", "fra")


def two_hours() -> AssetIndex:
    """Five renditions and three languages at 23.976 fps: 3,600 fragments each."""
    numbers = random.Random(7)
    timeline = Timeline(Fraction(24000, 1001), frames=3600 * 48, gop_frames=48, segment_gops=3)
    scenes = [numbers.lognormvariate(0, 0.4) for _ in range(timeline.gops)]
    video = [_rendition(timeline, rung, rate, scenes, numbers) for rung, rate in LADDER.items()]
    audio = [_language(timeline, number, language, numbers) for number, language in enumerate(LANGUAGES)]
    return AssetIndex(timeline, (*video, *audio))


def _rendition(timeline: Timeline, rung: int, rate: int, scenes: list[float], numbers: random.Random) -> Track:
    sizes = tuple(int(rate / 4 * scene * numbers.uniform(0.8, 1.2)) + 2_000 for scene in scenes)
    return Track(
        name=f"v{rung}.mp4",
        kind="video",
        codecs="avc1.640028",
        timescale=timeline.timescale,
        init_size=750,
        sidx_size=40 + 12 * timeline.segments,
        sizes=sizes,
        durations=tuple(frames * timeline.frame_ticks for frames in timeline.gop_lengths),
        keyframe_sizes=tuple(int(size * numbers.uniform(0.1, 0.4)) for size in sizes),
        width=rung * 16 // 18 * 2,
        height=rung,
        rung=rung,
    )


def _language(timeline: Timeline, number: int, language: str, numbers: random.Random) -> Track:
    durations = tuple((end - start) * 1024 for start, end in pairwise(timeline.audio_cuts))
    return Track(
        name=f"a{number}-{language}.mp4",
        kind="audio",
        codecs="mp4a.40.2",
        timescale=48000,
        init_size=650,
        sidx_size=40 + 12 * timeline.segments,
        sizes=tuple(int(duration / 3 * numbers.gauss(1, 0.03)) for duration in durations),
        durations=durations,
        language=language,
        label={"eng": "English", "deu": "Deutsch", "fra": "Français"}[language],
        channels=2,
        default=number == 0,
    )
