"""How well titles played, of the sums of their sessions.

Medians cannot be added up. So start-ups are counted by steps of 2 %, and the median is told to within 1 %.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import log
from typing import Any

from control.database import Connection, quality
from control.database.quality import By, Days, Sums

STEP = 1.02
LEAST_SECONDS, MOST_SECONDS = 0.001, 86_400.0


@dataclass(frozen=True, slots=True)
class Figures:
    """How well several sessions played: the median start-up, 0 when none told; shares and rates weighted by time.

    Of so many `sessions` something was reported; what follows them is counted.
    """

    startup_seconds: float = 0.0
    rebuffer_ratio: float = 0.0
    average_bitrate: float = 0.0
    sessions: int = 0
    exits_before_start: int = 0
    start_failures: int = 0
    stalls: int = 0
    rebuffer_seconds: float = 0.0
    dropped_frames: int = 0


def step(seconds: float) -> int:
    """The step that is nearest to a start-up."""
    return round(log(min(max(seconds, LEAST_SECONDS), MOST_SECONDS), STEP))


def median(startups: Mapping[int, int]) -> float:
    """The middle one of start-ups that are counted by steps, or the mean of the two in the middle; 0 without any."""
    size = sum(startups.values())
    if not size:
        return 0.0
    return (_seconds_at((size - 1) // 2, startups) + _seconds_at(size // 2, startups)) / 2


async def by_day(connection: Connection, title_id: str, days: Days) -> dict[int, Figures]:
    """The figures of a title for each day, in days since 1970, on which something was reported."""
    return await _figures(connection, "day", [title_id], days)


async def by_title(connection: Connection, title_ids: Collection[str], days: Days) -> dict[str, Figures]:
    """The figures of each of these titles over some days."""
    return await _figures(connection, "title_id", title_ids, days)


async def _figures(connection: Connection, by: By, title_ids: Collection[str], days: Days) -> dict[Any, Figures]:
    startups = await quality.startups(connection, by, title_ids, days)
    sums = await quality.sums(connection, by, title_ids, days)
    return {key: _told(each, startups.get(key, {})) for key, each in sums.items()}


def _told(sums: Sums, startups: Mapping[int, int]) -> Figures:
    return Figures(
        startup_seconds=median(startups),
        rebuffer_ratio=share(sums.rebuffered_ms, sums.played_ms + sums.rebuffered_ms),
        average_bitrate=share(sums.kilobits * 1_000_000, sums.rated_ms),
        sessions=sums.sessions,
        exits_before_start=sums.exits,
        start_failures=sums.failures,
        stalls=sums.stalls,
        rebuffer_seconds=sums.rebuffered_ms / 1_000,
        dropped_frames=sums.dropped_frames,
    )


def _seconds_at(place: int, startups: Mapping[int, int]) -> float:
    """The start-up at a place, counted from 0, when all stand in their order."""
    steps = sorted(startups)
    passed = accumulate(startups[each] for each in steps)
    return float(STEP ** next(each for each, count in zip(steps, passed, strict=True) if place < count))


def share(part: float, whole: float) -> float:
    """A part of a whole, 0 to 1; 0 of nothing."""
    return part / whole if whole else 0.0
