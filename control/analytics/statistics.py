"""How titles did, as publishers ask for it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self, TypeVar

from control import inputs
from control.analytics import figures
from control.analytics.figures import Figures
from control.analytics.plays import DAY_SECONDS, MILLION
from control.database import Database, playback_sessions, statistics, titles
from control.database.plays import ALL
from control.database.statistics import Tally
from control.pages import PageRequest
from matinee.errors import InvalidInput, NotFound
from protos.v1 import analytics_pb2 as pb

USUAL_DAYS = 28
MOST_DAYS = 400
IN_USE_SECONDS = 60.0
"""How lately a playback session must have been seen to be watched now."""
MOST_WATCHED = 100

Key = TypeVar("Key", int, str)

_EPOCH = date(1970, 1, 1)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Period:
    """Days in a row, counted from 1970 (UTC)."""

    first: int
    last: int

    @classmethod
    def read(cls, from_day: str, to_day: str, now: float) -> Self:
        """The period asked for; the last 28 days unless told. Raises `InvalidInput`."""
        last = _number("to_day", to_day) if to_day else int(now // DAY_SECONDS)
        first = _number("from_day", from_day) if from_day else max(last - USUAL_DAYS + 1, 0)
        if first > last:
            raise InvalidInput("from_day is after to_day")
        if last - first >= MOST_DAYS:
            raise InvalidInput(f"the days asked for are more than {MOST_DAYS}")
        return cls(first, last)


async def of_title(
    database: Database, request: pb.GetTitleStatisticsRequest, now: float
) -> pb.GetTitleStatisticsResponse:
    """Answer `GetTitleStatistics`, with every day asked for. Raises `InvalidInput`, `NotFound`."""
    title_id = inputs.identifier("title_id", request.title_id)
    period = Period.read(request.from_day, request.to_day, now)
    days = (period.first, period.last)
    async with database.read() as connection:
        if await titles.find(connection, title_id) is None:
            raise NotFound("there is no such title")
        tallies = await statistics.by_day(connection, title_id, *days)
        viewers = await statistics.viewers_by_day(connection, title_id, *days)
        played = await figures.by_day(connection, title_id, days)
        all_viewers = await statistics.viewers(connection, [title_id], *days)
        all_played = await figures.by_title(connection, [title_id], days)
    told = [
        pb.DayStatistics(day=_written(day), statistics=_shown(day, tallies, viewers, played))
        for day in range(period.first, period.last + 1)
    ]
    total = _shown(title_id, {title_id: sum(tallies.values(), Tally())}, all_viewers, all_played)
    return pb.GetTitleStatisticsResponse(days=told, total=total)


async def of_all(database: Database, request: pb.ListStatisticsRequest, now: float) -> pb.ListStatisticsResponse:
    """Answer `ListStatistics`. Raises `InvalidInput`."""
    size = PageRequest.read(request.page_size, "").size
    period = Period.read(request.from_day, request.to_day, now)
    days = (period.first, period.last)
    async with database.read() as connection:
        listed = await statistics.most_played(connection, *days, size)
        known = await titles.among(connection, listed)
        together = sum((await statistics.by_day(connection, ALL, *days)).values(), Tally())
        tallies = {**listed, ALL: together}
        viewers = await statistics.viewers(connection, tallies, *days)
        played = await figures.by_title(connection, tallies, days)
    told = [
        pb.TitleStatistics(
            title_id=title_id,
            title_name=known[title_id].name,
            statistics=_shown(title_id, tallies, viewers, played),
        )
        for title_id in listed
    ]
    return pb.ListStatisticsResponse(titles=told, total=_shown(ALL, tallies, viewers, played))


async def audience(database: Database, now: float) -> pb.GetAudienceResponse:
    """Answer `GetAudience`: the open playback sessions that are in use."""
    async with database.read() as connection:
        watching = await playback_sessions.in_use(connection, since=now - IN_USE_SECONDS, now=now)
        most_watched = dict(list(watching.items())[:MOST_WATCHED])
        known = await titles.among(connection, most_watched)
    told = [
        pb.TitleAudience(title_id=title_id, title_name=known[title_id].name, viewers=viewers)
        for title_id, viewers in most_watched.items()
    ]
    return pb.GetAudienceResponse(viewers=sum(watching.values()), titles=told)


def _number(name: str, day: str) -> int:
    try:
        number = (date.fromisoformat(day) - _EPOCH).days if _DAY.fullmatch(day) else -1
    except ValueError:
        number = -1
    if number < 0:
        raise InvalidInput(f"{name} must be a day since 1970, such as 2026-11-27")
    return number


def _written(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()


def _shown(
    key: Key, tallies: Mapping[Key, Tally], viewers: Mapping[Key, int], played: Mapping[Key, Figures]
) -> pb.Statistics:
    """What is known of a title or day."""
    tally, figures_of = tallies.get(key, Tally()), played.get(key, Figures())
    return pb.Statistics(
        plays=tally.plays,
        unique_viewers=viewers.get(key, 0),
        watch_seconds=tally.watched_ms / 1_000,
        completion=tally.reached_ppm / tally.plays / MILLION if tally.plays else 0.0,
        startup_seconds=figures_of.startup_seconds,
        rebuffer_ratio=figures_of.rebuffer_ratio,
        average_bitrate=figures_of.average_bitrate,
        reported_sessions=figures_of.sessions,
        exits_before_start=figures_of.exits_before_start,
        start_failures=figures_of.start_failures,
        stalls=figures_of.stalls,
        rebuffer_seconds=figures_of.rebuffer_seconds,
        dropped_frames=figures_of.dropped_frames,
    )
