"""What people watched, and what control learns from it, over a running control."""

from control.database import history
from control.database.history import Entry
from control.identifiers import new_id
from protos.v1.analytics_pb2 import (
    TRAINING_STATE_DONE,
    TRAINING_STATE_RUNNING,
    GetTrainingRequest,
    ListRecommendationsRequest,
    Training,
    TrainRecommendationsRequest,
)
from protos.v1.analytics_pb2_grpc import AnalyticsServiceStub
from tests.control_house import House, Metadata, claims_of
from tests.patience import until


async def watched(house: House, person: Metadata, title_id: str) -> None:
    """As if the person had watched ten minutes of a title, and left it half a minute in."""
    now = house.clock()
    entry = Entry(
        claims_of(person)["sub"],
        title_id,
        new_id(house.clock),
        30,
        now,
        finished=False,
        watched_seconds=600,
        watched_at=now,
    )
    async with house.written() as connection:
        await history.add(connection, [entry])


async def train(house: House) -> Training:
    """Have it learnt, from what was watched until now, and wait for that."""
    analytics, admin = AnalyticsServiceStub(house.channel), await house.admin()

    async def last() -> Training:
        return (await analytics.GetTraining(GetTrainingRequest(), metadata=admin)).training

    async def at_rest() -> bool:
        return (await last()).state != TRAINING_STATE_RUNNING

    await until(at_rest)
    begun = (await analytics.TrainRecommendations(TrainRecommendationsRequest(), metadata=admin)).training
    assert begun.state == TRAINING_STATE_RUNNING
    await until(at_rest)
    ended = await last()
    assert (ended.state, ended.begun_at) == (TRAINING_STATE_DONE, begun.begun_at)
    return ended


async def offered(house: House, person: Metadata) -> list[str]:
    """The ids of what is recommended."""
    analytics = AnalyticsServiceStub(house.channel)
    answer = await analytics.ListRecommendations(ListRecommendationsRequest(), metadata=person)
    return [each.title.title_id for each in answer.recommendations]
