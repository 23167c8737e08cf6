"""What is recommended can be played, whatever becomes of titles and subscriptions after the training."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from matinee.rpc.call_errors import CallError
from protos.v1.auth_pb2 import LoginRequest
from protos.v1.catalogue_pb2 import DeleteTitleRequest, UnpublishTitleRequest
from protos.v1.subscriptions_pb2 import PlanTags, UpdatePlanRequest
from tests.catalogue import update
from tests.control_house import House, Metadata, bearer
from tests.offers import DAY, cancel, make_plan, subscribe
from tests.taste import offered, train, watched

pytestmark = pytest.mark.anyio


@dataclass
class Evening:
    """A viewer who has the plan "family" and watched one film, and two more that others watched with it."""

    house: House
    viewer: Metadata
    film: str
    other: str

    async def offers(self) -> list[str]:
        """What the viewer is offered, each of which they can play; of the two films they can play no other."""
        found = await offered(self.house, self.viewer)
        assert found == [each for each in (self.film, self.other) if await self._plays(each)]
        return found

    async def _plays(self, title_id: str) -> bool:
        try:
            await self.house.play(title_id, self.viewer)
        except CallError:
            return False
        return True


@pytest.fixture
async def evening(house: House) -> Evening:
    viewer, publisher = await house.person("viewer"), await house.person("publisher")
    films = [await house.film(f"upload-{number}", f"Film {number}", letter * 26) for number, letter in enumerate("abc")]
    await make_plan(house, period_days=1)
    await subscribe(house, viewer)
    await watched(house, viewer, films[0])
    for film in films:
        await watched(house, publisher, film)
    await watched(house, await house.admin(), films[1])
    await watched(house, await house.admin(), films[0])
    await train(house)
    return Evening(house, viewer, films[1], films[2])


async def is_unpublished(evening: Evening) -> None:
    request = UnpublishTitleRequest(title_id=evening.film)
    await evening.house.catalogue.UnpublishTitle(request, metadata=await evening.house.admin())


async def is_deleted(evening: Evening) -> None:
    request = DeleteTitleRequest(title_id=evening.film, force=True)
    await evening.house.catalogue.DeleteTitle(request, metadata=await evening.house.admin())


async def begins_later(evening: Evening) -> None:
    await update(evening.house, evening.film, available_from=Timestamp(seconds=int(evening.house.clock()) + 100))


async def has_come_to_its_end(evening: Evening) -> None:
    await update(evening.house, evening.film, available_until=Timestamp(seconds=int(evening.house.clock()) + 100))
    assert await evening.offers() == [evening.film, evening.other]
    evening.house.clock.turn(101)


async def needs_a_higher_plan(evening: Evening) -> None:
    await make_plan(evening.house, "cinema", level=2)
    await update(evening.house, evening.film, plan_id="cinema")


async def is_not_among_the_tags_of_the_plan(evening: Evening) -> None:
    await update(evening.house, evening.film, plan_id="family")
    assert await evening.offers() == [evening.film, evening.other]
    request = UpdatePlanRequest(plan_id="family", tags=PlanTags(tags=["kids"]))
    await evening.house.subscriptions.UpdatePlan(request, metadata=await evening.house.admin())


async def needs_what_was_cancelled(evening: Evening) -> None:
    await update(evening.house, evening.film, plan_id="family")
    await cancel(evening.house, evening.viewer, now=True)


async def needs_what_has_run_out(evening: Evening) -> None:
    await update(evening.house, evening.film, plan_id="family")
    await cancel(evening.house, evening.viewer, now=False)
    assert await evening.offers() == [evening.film, evening.other]
    evening.house.clock.turn(DAY + 1)
    again = await evening.house.auth.Login(LoginRequest(email="viewer@matinee.local", password="password"))
    evening.viewer = bearer(again.access_token)


BARS = [
    is_unpublished,
    is_deleted,
    begins_later,
    has_come_to_its_end,
    needs_a_higher_plan,
    is_not_among_the_tags_of_the_plan,
    needs_what_was_cancelled,
    needs_what_has_run_out,
]


@pytest.mark.parametrize("bar", BARS, ids=lambda bar: bar.__name__)
async def test_a_film_is_not_recommended_any_more_that(
    evening: Evening, bar: Callable[[Evening], Awaitable[None]]
) -> None:
    assert await evening.offers() == [evening.film, evening.other]
    await bar(evening)
    assert await evening.offers() == [evening.other]


async def test_the_age_that_a_film_is_meant_for_bars_nobody(evening: Evening) -> None:
    await update(evening.house, evening.film, minimum_age=18)
    assert await evening.offers() == [evening.film, evening.other]
