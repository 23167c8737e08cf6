"""AnalyticsService as a viewer calls it."""

import pytest

from protos.v1.analytics_pb2 import (
    ForgetHistoryRequest,
    GetPlaybackQualityRequest,
    GetTrainingRequest,
    ListHistoryRequest,
    ListRecommendationsRequest,
    ListUnfinishedRequest,
    TrainRecommendationsRequest,
)
from protos.v1.analytics_pb2_grpc import AnalyticsServiceStub
from tests.control_house import House, refusal
from tests.taste import train, watched

pytestmark = pytest.mark.anyio


async def test_a_history_is_read_in_pages_latest_first(house: House) -> None:
    analytics, viewer = AnalyticsServiceStub(house.channel), await house.person("viewer")
    films = [await house.film(f"upload-{number}", f"Film {number}", letter * 26) for number, letter in enumerate("abc")]
    for film in films:
        await watched(house, viewer, film)
    first = await analytics.ListHistory(ListHistoryRequest(page_size=2), metadata=viewer)
    rest = await analytics.ListHistory(ListHistoryRequest(page_token=first.next_page_token), metadata=viewer)
    assert [entry.title.title_id for entry in (*first.entries, *rest.entries)] == films[::-1]
    assert {entry.position_seconds for entry in first.entries} == {30}
    assert rest.next_page_token == ""


async def test_a_history_is_of_nobody_else(house: House) -> None:
    analytics = AnalyticsServiceStub(house.channel)
    viewer, publisher = await house.person("viewer"), await house.person("publisher")
    film = await house.film()
    await watched(house, viewer, film)
    assert not (await analytics.ListHistory(ListHistoryRequest(), metadata=publisher)).entries
    async with refusal("NOT_FOUND", "history"):
        await analytics.ForgetHistory(ForgetHistoryRequest(title_id=film), metadata=publisher)
    assert (await analytics.ListUnfinished(ListUnfinishedRequest(), metadata=viewer)).entries


async def test_what_is_forgotten_is_not_offered_either(house: House) -> None:
    analytics, viewer = AnalyticsServiceStub(house.channel), await house.person("viewer")
    film = await house.film()
    await watched(house, viewer, film)
    await analytics.ForgetHistory(ForgetHistoryRequest(title_id=film), metadata=viewer)
    assert not (await analytics.ListHistory(ListHistoryRequest(), metadata=viewer)).entries
    assert not (await analytics.ListUnfinished(ListUnfinishedRequest(), metadata=viewer)).entries


async def test_the_quality_of_playback_is_for_publishers(house: House) -> None:
    analytics, nothing = AnalyticsServiceStub(house.channel), GetPlaybackQualityRequest(session_id="0" * 26)
    async with refusal("PERMISSION_DENIED"):
        await analytics.GetPlaybackQuality(nothing, metadata=await house.person("viewer"))
    async with refusal("NOT_FOUND"):
        await analytics.GetPlaybackQuality(nothing, metadata=await house.person("publisher"))


async def test_recommendations_are_learnt_by_an_admin_and_come_with_their_reason(house: House) -> None:
    analytics, viewer, publisher = (
        AnalyticsServiceStub(house.channel),
        await house.person("viewer"),
        await house.person("publisher"),
    )
    films = [await house.film(f"upload-{number}", f"Film {number}", letter * 26) for number, letter in enumerate("abc")]
    for person, film in ((publisher, films[0]), (publisher, films[1]), (viewer, films[0])):
        await watched(house, person, film)
    async with refusal("PERMISSION_DENIED"):
        await analytics.TrainRecommendations(TrainRecommendationsRequest(), metadata=publisher)
    async with refusal("PERMISSION_DENIED"):
        await analytics.GetTraining(GetTrainingRequest(), metadata=publisher)
    learnt = await train(house)
    assert (learnt.accounts, learnt.titles) == (2, 2)
    found = (await analytics.ListRecommendations(ListRecommendationsRequest(), metadata=viewer)).recommendations
    shown = [(each.title.title_id, each.because_title_id, each.because_name) for each in found]
    assert shown == [(films[1], films[0], "Film 0"), (films[2], "", "")]


async def test_a_list_of_recommendations_has_no_negative_length(house: House) -> None:
    async with refusal("INVALID_ARGUMENT", "page_size"):
        request = ListRecommendationsRequest(page_size=-1)
        await AnalyticsServiceStub(house.channel).ListRecommendations(request, metadata=await house.person("viewer"))
