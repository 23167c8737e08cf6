"""AnalyticsService: what was watched, and how well it played."""

from typing_extensions import override

from control import inputs
from control.analytics import quality, statistics
from control.analytics.recommendations import Recommendation, Recommendations
from control.analytics.training import Trainer
from control.analytics.unfinished import unfinished
from control.callers import caller
from control.catalogue import messages
from control.catalogue.visibility import visible
from control.database import (
    Connection,
    Database,
    history,
    outbox,
    playback_sessions,
    recommendations,
    titles,
    trainings,
)
from control.database.history import Entry
from control.database.titles import Title
from control.database.trainings import Training
from control.pages import PageRequest, checked_size
from control.playback.resumption import followed_up
from control.subscriptions import ledger
from control.timestamps import timestamp
from matinee.errors import NotFound
from matinee.rpc.server import Context
from matinee.tokens import Clock
from protos.v1 import analytics_pb2 as pb
from protos.v1.analytics_pb2_grpc import AnalyticsServiceServicer
from protos.v1.events_pb2 import HistoryUpdated


class AnalyticsService(AnalyticsServiceServicer):
    """Everybody hears of their own history only; publishers hear how titles do."""

    def __init__(self, database: Database, trainer: Trainer, clock: Clock) -> None:
        self._database = database
        self._trainer = trainer
        self._recommendations = Recommendations(database, clock)
        self._clock = clock

    @override
    async def ListHistory(self, request: pb.ListHistoryRequest, context: Context) -> pb.ListHistoryResponse:
        asked, account_id = PageRequest.read(request.page_size, request.page_token), caller().account_id
        async with self._database.read() as connection:
            kept = await history.page(connection, account_id, asked.before, asked.look_ahead)
            found = await followed_up(connection, account_id, kept, self._clock())
            known = await titles.among(connection, [entry.title_id for entry in found])
        page, now = asked.cut(found, lambda entry: entry.entry_id), self._clock()
        shown = [(known[entry.title_id], entry) for entry in page.items if entry.title_id in known]
        entries = [_entry(title, entry) for title, entry in shown if visible(title, now)]
        return pb.ListHistoryResponse(entries=entries, next_page_token=page.next_token)

    @override
    async def ForgetHistory(self, request: pb.ForgetHistoryRequest, context: Context) -> pb.ForgetHistoryResponse:
        title_id = inputs.identifier("title_id", request.title_id)
        async with self._database.write() as connection:
            await playback_sessions.forget_told(connection, caller().account_id, title_id)  # first, as who deletes one
            now = self._clock()
            if not await history.forget(connection, caller().account_id, title_id, now):
                raise NotFound("there is no such title in your history")
            news = HistoryUpdated(account_id=caller().account_id, title_id=title_id, time=timestamp(now))
            await outbox.record(connection, news, self._clock)
        return pb.ForgetHistoryResponse()

    @override
    async def ListUnfinished(self, request: pb.ListUnfinishedRequest, context: Context) -> pb.ListUnfinishedResponse:
        size, person, now = checked_size(request.page_size), caller(), self._clock()
        async with self._database.read() as connection:
            standing = await ledger.standing(connection, person.account_id, person.role, now)
            offers = await unfinished(connection, standing, size, now)
        return pb.ListUnfinishedResponse(entries=[_offered(title, entry) for title, entry in offers])

    @override
    async def ListRecommendations(
        self, request: pb.ListRecommendationsRequest, context: Context
    ) -> pb.ListRecommendationsResponse:
        found = await self._recommendations.recommend(caller(), checked_size(request.page_size))
        return pb.ListRecommendationsResponse(recommendations=map(_recommendation, found))

    @override
    async def TrainRecommendations(
        self, request: pb.TrainRecommendationsRequest, context: Context
    ) -> pb.TrainRecommendationsResponse:
        training = await self._trainer.begin()
        async with self._database.read() as connection:
            return pb.TrainRecommendationsResponse(training=await _training(connection, training))

    @override
    async def GetTraining(self, request: pb.GetTrainingRequest, context: Context) -> pb.GetTrainingResponse:
        async with self._database.read() as connection:
            return pb.GetTrainingResponse(training=await _training(connection, await trainings.last(connection)))

    @override
    async def GetTitleStatistics(
        self, request: pb.GetTitleStatisticsRequest, context: Context
    ) -> pb.GetTitleStatisticsResponse:
        return await statistics.of_title(self._database, request, self._clock())

    @override
    async def ListStatistics(self, request: pb.ListStatisticsRequest, context: Context) -> pb.ListStatisticsResponse:
        return await statistics.of_all(self._database, request, self._clock())

    @override
    async def GetAudience(self, request: pb.GetAudienceRequest, context: Context) -> pb.GetAudienceResponse:
        return await statistics.audience(self._database, self._clock())

    @override
    async def GetPlaybackQuality(
        self, request: pb.GetPlaybackQualityRequest, context: Context
    ) -> pb.GetPlaybackQualityResponse:
        return await quality.playback_quality(self._database, request)


def _entry(title: Title, entry: Entry) -> pb.HistoryEntry:
    return pb.HistoryEntry(
        title=messages.title(title),
        position_seconds=history.within(entry.position_seconds, title.duration_seconds),
        finished=entry.finished,
        watched_at=timestamp(entry.watched_at),
    )


def _offered(title: Title, entry: Entry) -> pb.HistoryEntry:
    """The entry of the title itself, or, when another speaks for it, one that has not begun."""
    if title.title_id == entry.title_id:
        return _entry(title, entry)
    return pb.HistoryEntry(title=messages.title(title), watched_at=timestamp(entry.watched_at))


def _recommendation(found: Recommendation) -> pb.Recommendation:
    title, because = messages.title(found.title), found.because
    if because is None:
        return pb.Recommendation(title=title)
    return pb.Recommendation(title=title, because_title_id=because.title_id, because_name=because.name)


async def _training(connection: Connection, training: Training) -> pb.Training:
    accounts, works = await recommendations.learnt_from(connection)
    told = pb.Training(message=training.failure, accounts=accounts, titles=works)
    if not training.begun_at:
        return told
    told.begun_at.CopyFrom(timestamp(training.begun_at))
    if training.goes_on:
        told.state = pb.TRAINING_STATE_RUNNING
    else:
        told.state = pb.TRAINING_STATE_FAILED if training.failure else pb.TRAINING_STATE_DONE
        told.ended_at.CopyFrom(timestamp(training.ended_at))
    return told
