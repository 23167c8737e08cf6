"""Statistics and the audience as publishers ask for them."""

import pytest

from control.analytics.plays import STATISTICS
from control.analytics.quality import keep
from control.analytics.statistics import Period
from control.database.quality import SessionQuality
from matinee.errors import InvalidInput
from protos.v1.analytics_pb2 import GetAudienceRequest, GetTitleStatisticsRequest, ListStatisticsRequest
from protos.v1.analytics_pb2_grpc import AnalyticsServiceStub
from tests.control_house import House, refusal
from tests.viewing import HOUR, NOON, numbered, paused, played

pytestmark = pytest.mark.anyio

TODAY = int(NOON // 86_400)
FIRST, LAST = "2026-11-26", "2026-11-27"


async def watched(house: House, title_id: str, person: int, session: int, at: float = NOON) -> None:
    """Half of the title, and half an hour of it."""
    account = numbered("a", person)
    async with house.written() as connection:
        begin = played(account, title_id, at, session=session)
        end = paused(account, title_id, at + 1_800, HOUR / 2, session=session, watched=1_800)
        await STATISTICS.act(connection, [begin, end])


@pytest.mark.parametrize(
    ("from_day", "to_day", "first", "last"),
    [
        ("", "", TODAY - 27, TODAY),
        ("2026-11-27", "", TODAY, TODAY),
        ("", "2026-11-26", TODAY - 28, TODAY - 1),
        ("2025-10-24", "2026-11-27", TODAY - 399, TODAY),
        ("", "1970-01-02", 0, 1),
    ],
)
def test_a_period_is_the_last_four_weeks_unless_told(from_day: str, to_day: str, first: int, last: int) -> None:
    assert Period.read(from_day, to_day, NOON) == Period(first, last)


@pytest.mark.parametrize(
    ("from_day", "to_day", "sentence"),
    [
        ("2026-11-28", "2026-11-27", "after"),
        ("2025-10-23", "2026-11-27", "400"),
        ("20261127", "", "from_day"),
        ("2026-02-30", "", "from_day"),
        ("", "1969-12-31", "to_day"),
        ("", "٢٠٢٦-11-27", "to_day"),
        ("", "2026-11-27\n", "to_day"),
    ],
)
def test_days_that_are_none_are_refused(from_day: str, to_day: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        Period.read(from_day, to_day, NOON)


async def test_a_title_is_told_day_by_day(house: House) -> None:
    analytics, film = AnalyticsServiceStub(house.channel), await house.film()
    for person, session in ((0, 0), (0, 1), (1, 2)):
        await watched(house, film, person, session, NOON - session // 2 * 86_400)
    async with house.written() as connection:
        who = (numbered("s", 0), film, numbered("a", 0), "a" * 26)
        told = SessionQuality(*who, TODAY, 0.5, 99.0, 1.0, 2, started=True, dropped_frames=25)
        await keep(connection, [(None, told)])
    request = GetTitleStatisticsRequest(title_id=film, from_day=FIRST, to_day=LAST)
    answer = await analytics.GetTitleStatistics(request, metadata=await house.person("publisher"))
    yesterday, today = (day.statistics for day in answer.days)
    assert [day.day for day in answer.days] == [FIRST, LAST]
    assert (yesterday.plays, yesterday.unique_viewers, yesterday.watch_seconds) == (1, 1, 1_800)
    assert (today.plays, today.unique_viewers, today.watch_seconds) == (2, 1, 3_600)
    assert today.startup_seconds == pytest.approx(0.5, rel=0.01)
    assert (today.rebuffer_ratio, yesterday.startup_seconds) == (0.01, 0)
    assert (today.reported_sessions, today.stalls, today.rebuffer_seconds, today.dropped_frames) == (1, 2, 1.0, 25)
    assert (today.exits_before_start, today.start_failures, yesterday.reported_sessions) == (0, 0, 0)
    assert (answer.total.plays, answer.total.unique_viewers, answer.total.completion) == (3, 2, 0.5)


async def test_titles_are_listed_with_the_most_played_first(house: House) -> None:
    analytics = AnalyticsServiceStub(house.channel)
    films = [await house.film(f"upload-{number}", f"Film {number}", letter * 26) for number, letter in enumerate("ab")]
    for session, film in enumerate((films[0], films[1], films[1])):
        await watched(house, film, person=0, session=session)
    publisher = await house.person("publisher")
    answer = await analytics.ListStatistics(ListStatisticsRequest(from_day=FIRST, to_day=LAST), metadata=publisher)
    assert [(title.title_name, title.statistics.plays) for title in answer.titles] == [("Film 1", 2), ("Film 0", 1)]
    assert (answer.total.plays, answer.total.unique_viewers) == (3, 1)
    first = await analytics.ListStatistics(
        ListStatisticsRequest(from_day=FIRST, to_day=LAST, page_size=1), metadata=publisher
    )
    assert [title.title_name for title in first.titles] == ["Film 1"]
    assert first.total.plays == 3


async def test_statistics_are_for_publishers(house: House) -> None:
    analytics, nothing = AnalyticsServiceStub(house.channel), GetTitleStatisticsRequest(title_id="0" * 26)
    async with refusal("PERMISSION_DENIED"):
        await analytics.ListStatistics(ListStatisticsRequest(), metadata=await house.person("viewer"))
    async with refusal("NOT_FOUND", "title"):
        await analytics.GetTitleStatistics(nothing, metadata=await house.person("publisher"))


async def test_the_audience_is_the_sessions_that_are_in_use(house: House) -> None:
    analytics, viewer, publisher = AnalyticsServiceStub(house.channel), "viewer", await house.person("publisher")
    films = [await house.film(f"upload-{number}", f"Film {number}", letter * 26) for number, letter in enumerate("ab")]
    person = await house.person(viewer)
    await house.play(films[0], person)
    house.clock.turn(61)
    for film in (films[0], films[1], films[1]):
        await house.play(film, person)
    answer = await analytics.GetAudience(GetAudienceRequest(), metadata=publisher)
    assert answer.viewers == 3
    assert [(title.title_name, title.viewers) for title in answer.titles] == [("Film 1", 2), ("Film 0", 1)]
