"""MetricsService: reports from edges onto the bus, and from there into what is known of a session."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from control import event_data
from control.analytics import figures
from control.analytics.figures import Figures
from control.analytics.metrics import MOST_METRICS, MOST_REPORTS, MetricsService
from control.analytics.quality import CONSUMER, keep, playback_quality
from control.database import Database, playback_sessions, quality, tables
from control.database.plays import ALL
from control.database.quality import SessionQuality
from control.identifiers import new_id
from control.playback.ending import end_sessions
from control.playback.session import PlaybackSession
from edge.cmcd.report import Mode
from edge.metrics import Metrics
from matinee.bus import Event, Undelivered
from matinee.errors import InvalidInput, NotFound, Unavailable
from matinee.rpc.channel import open_channel
from matinee.rpc.server import make_server
from protos.v1.analytics_pb2 import GetPlaybackQualityRequest
from protos.v1.events_pb2 import CmcdReport, PlaybackMetrics
from protos.v1.metrics_pb2 import PublishMetricsRequest
from protos.v1.metrics_pb2_grpc import add_MetricsServiceServicer_to_server
from tests.control_house import TurnedClock
from tests.players import ScriptedPlayer

pytestmark = pytest.mark.anyio
TITLE, ACCOUNT, ASSET = "t" * 26, "b" * 26, "a" * 26


@dataclass
class Bus:
    """An event bus that keeps what is put onto it, unless it is away."""

    away: bool = False
    refuses: bool = False
    events: list[Event] = field(default_factory=list)

    async def publish(self, events: Sequence[Event]) -> None:
        if self.away:
            raise Unavailable("the bus is away")
        if self.refuses:
            raise Undelivered("too large", set(), {event.event_id: "too large" for event in events}, {})
        self.events += events


@dataclass
class Desk:
    """The service with its database and bus."""

    database: Database
    clock: TurnedClock
    bus: Bus
    service: MetricsService

    async def opened(self) -> str:
        """The id of an open playback session."""
        now = self.clock()
        session = PlaybackSession(new_id(self.clock), TITLE, ACCOUNT, ASSET, "", now, now, now + 60)
        async with self.database.write() as connection:
            await playback_sessions.add(connection, session)
        return session.session_id

    async def publish(self, *metrics: PlaybackMetrics) -> list[PlaybackMetrics]:
        """What came onto the bus of it."""
        self.bus.events.clear()
        await self.service.PublishMetrics(PublishMetricsRequest(edge_id="edge-1", metrics=metrics), None)  # type: ignore[arg-type]
        return [event_data.decoded(PlaybackMetrics, event.data) for event in self.bus.events]

    async def told_ended(self, *session_ids: str) -> set[str]:
        """Which of these sessions an edge hears to have ended when it brings reports of them."""
        metrics = [PlaybackMetrics(session_id=session_id, reports=[report()]) for session_id in session_ids]
        request = PublishMetricsRequest(edge_id="edge-1", metrics=metrics)
        return set((await self.service.PublishMetrics(request, None)).ended_session_ids)  # type: ignore[arg-type]

    async def consume(self) -> None:
        """Act on what lies on the bus, as the runner of consumers does."""
        async with self.database.write() as connection:
            messages = [event_data.decoded(PlaybackMetrics, event.data) for event in self.bus.events]
            await CONSUMER.act(connection, messages)


@pytest.fixture
async def desk(database: Database) -> Desk:
    clock, bus = TurnedClock(), Bus()
    async with database.write() as connection:
        await connection.execute(
            tables.titles.insert().values(
                title_id=TITLE, name="Film", synopsis="", published=True, asset_id=ASSET, duration_seconds=6,
                width=1, height=1, audio_languages="", size_bytes=1, created_at=0,
            )
        )  # fmt: skip
        await connection.execute(
            tables.accounts.insert().values(
                account_id=ACCOUNT, email="a@b", password_hash="", role="viewer", created_at=0
            )
        )
    return Desk(database, clock, bus, MetricsService(database, bus, clock))


def report(**keys: str) -> CmcdReport:
    return CmcdReport(mode="event", version=2, keys=keys)


async def test_reports_go_onto_the_bus_with_what_control_knows_of_the_session(desk: Desk) -> None:
    session_id = await desk.opened()
    claimed = PlaybackMetrics(
        session_id=session_id, edge_id="x", asset_id="x", title_id="x", account_id="x", reports=[report(rc="200")]
    )
    [sent] = await desk.publish(claimed)
    assert (sent.session_id, sent.edge_id, [*sent.reports]) == (session_id, "edge-1", [report(rc="200")])
    assert (sent.title_id, sent.account_id, sent.asset_id) == (TITLE, ACCOUNT, ASSET)
    [event] = desk.bus.events
    assert (event.topic, event.key) == ("playback-metrics", session_id)


async def test_reports_of_unknown_and_of_expired_sessions_are_left_out(desk: Desk) -> None:
    expired = await desk.opened()
    desk.clock.turn(61)
    known, unknown = await desk.opened(), new_id(desk.clock)
    sent = await desk.publish(
        *(PlaybackMetrics(session_id=id_, reports=[report()]) for id_ in (expired, unknown, known))
    )
    assert [metrics.session_id for metrics in sent] == [known]


async def test_the_last_words_of_a_session_that_has_ended_are_still_taken(desk: Desk) -> None:
    session_id = await desk.opened()
    await desk.publish(PlaybackMetrics(session_id=session_id, reports=[report()]))
    await desk.consume()
    async with desk.database.write() as connection:
        ending = await playback_sessions.among(connection, [session_id], desk.clock())
        await end_sessions(connection, ending, "over", desk.clock)
    [sent] = await desk.publish(PlaybackMetrics(session_id=session_id, reports=[report()]))
    assert (sent.title_id, sent.account_id, sent.asset_id) == (TITLE, ACCOUNT, ASSET)


async def test_an_edge_hears_which_sessions_have_ended(desk: Desk) -> None:
    ended, unknown, opened = await desk.opened(), "0" * 26, await desk.opened()
    assert await desk.told_ended(ended, unknown, opened) == {unknown}
    async with desk.database.write() as connection:
        ending = await playback_sessions.among(connection, [ended], desk.clock())
        await end_sessions(connection, ending, "over", desk.clock)
    assert await desk.told_ended(ended, unknown, opened) == {ended, unknown}
    desk.clock.turn(61)
    assert await desk.told_ended(opened) == {opened}


async def test_an_edge_hears_when_the_bus_is_away(desk: Desk) -> None:
    session_id = await desk.opened()
    desk.bus.away = True
    with pytest.raises(Unavailable):
        await desk.publish(PlaybackMetrics(session_id=session_id, reports=[report()]))


async def test_reports_that_the_bus_refuses_for_good_are_not_sent_again(desk: Desk) -> None:
    session_id = await desk.opened()
    desk.bus.refuses = True
    assert await desk.publish(PlaybackMetrics(session_id=session_id, reports=[report()])) == []


@pytest.mark.parametrize(
    "metrics",
    [
        [PlaybackMetrics(session_id="../x", reports=[report()])],
        [PlaybackMetrics(session_id="0" * 26)] * (MOST_METRICS + 1),
        [PlaybackMetrics(session_id="0" * 26, reports=[report()] * (MOST_REPORTS + 1))],
    ],
    ids=["id", "sessions", "reports"],
)
async def test_a_batch_that_no_edge_sends_is_refused(desk: Desk, metrics: list[PlaybackMetrics]) -> None:
    with pytest.raises(InvalidInput):
        await desk.publish(*metrics)


async def test_a_scripted_player_is_measured_from_the_edge_to_the_answer(desk: Desk, tmp_path: Path) -> None:
    session_id, began = await desk.opened(), desk.clock()
    server = make_server()
    add_MetricsServiceServicer_to_server(desk.service, server)
    server.add_insecure_port(f"unix:{tmp_path / 'c.sock'}")
    await server.start()
    events = ScriptedPlayer(dropped=12).run([("s", 700), ("p", 20_000), ("r", 1_500), ("p", 30_000)])
    async with open_channel(f"unix:{tmp_path / 'c.sock'}") as channel:
        metrics = Metrics(channel, "secret", "edge-1")
        for start in range(0, len(events), 3):
            for event in events[start : start + 3]:
                metrics.take(session_id, Mode.EVENT, event)
            await metrics.flush()
    await server.stop(None)
    await desk.consume()
    found = await playback_quality(desk.database, GetPlaybackQualityRequest(session_id=session_id))
    assert (found.startup_seconds, found.played_seconds, found.rebuffer_seconds) == (0.7, 50.0, 1.5)
    assert [(stall.start_seconds, stall.length_seconds) for stall in found.stalls] == [(20.7, 1.5)]
    assert (found.average_bitrate, found.rung_changes, found.errors) == (3_000_000, 0, 0)
    assert (found.ended, found.started, found.dropped_frames) == ("completed", True, 12)
    assert found.stall_count == 1
    assert found.rebuffer_ratio == pytest.approx(1.5 / 51.5)
    async with desk.database.read() as connection:
        stored = await quality.find(connection, session_id)
    assert stored is not None
    assert (stored.title_id, stored.account_id, stored.stalls) == (TITLE, ACCOUNT, 1)
    assert began // 86_400 <= stored.day <= desk.clock() // 86_400


@pytest.mark.parametrize("session_id", ["0" * 26, "x", ""])
async def test_nothing_is_said_of_a_session_that_reported_nothing(desk: Desk, session_id: str) -> None:
    with pytest.raises((NotFound, InvalidInput)):
        await playback_quality(desk.database, GetPlaybackQualityRequest(session_id=session_id))


def told(found: Mapping[Any, Figures]) -> dict[Any, tuple[float, ...]]:
    return {key: astuple(each)[:3] for key, each in found.items()}


def near(startup_seconds: float, rebuffer_ratio: float, average_bitrate: float) -> Any:
    """Figures with a start-up that is told to within 1 %."""
    return pytest.approx((startup_seconds, rebuffer_ratio, average_bitrate), rel=0.01)


def played(title: str, day: int, **figures: float | str | None) -> SessionQuality:
    return SessionQuality(new_id(lambda: 0.0), title * 26, ACCOUNT, ASSET, day, **figures)  # type: ignore[arg-type]


async def test_figures_are_summed_up_by_day_by_title_and_together(desk: Desk) -> None:
    sessions = (
        played("t", 1, startup_seconds=1.0, played_seconds=90, rebuffer_seconds=10, average_bitrate=1e6),
        played("t", 1, startup_seconds=9.0, played_seconds=10, average_bitrate=2e6),
        played("t", 1, startup_seconds=2.0),
        played("t", 2, startup_seconds=1.0, played_seconds=10),
        played("t", 2, startup_seconds=2.0, played_seconds=10, rebuffer_seconds=20),
        played("u", 2, played_seconds=5),
        played("u", 9, played_seconds=5, rebuffer_seconds=5),
    )
    async with desk.database.write() as connection:
        await keep(connection, [(None, session) for session in sessions])
        days = await figures.by_day(connection, "t" * 26, (1, 2))
        titles = await figures.by_title(connection, ["t" * 26, "u" * 26], (2, 2))
        everything = await figures.by_title(connection, [ALL], (0, 100))
        nothing = await figures.by_title(connection, [ALL, "t" * 26], (50, 60))
    assert told(days) == {1: near(2.0, 10 / 110, 1.1e6), 2: near(1.5, 0.5, 0.0)}
    assert told(titles) == {"t" * 26: near(1.5, 0.5, 0.0), "u" * 26: near(0.0, 0.0, 0.0)}
    assert told(everything) == {ALL: near(2.0, 35 / 165, 1.1e6)}
    assert nothing == {}


async def test_an_event_without_reports_says_nothing_of_its_session(desk: Desk) -> None:
    async with desk.database.write() as connection:
        await CONSUMER.act(connection, [PlaybackMetrics(session_id="s" * 26, title_id="t" * 26)])
        assert await quality.find(connection, "s" * 26) is None


async def test_further_reports_of_a_session_replace_what_it_added(desk: Desk) -> None:
    first = played("t", 1, startup_seconds=1.0, played_seconds=10, average_bitrate=1e6)
    then = replace(first, startup_seconds=3.0, played_seconds=30, rebuffer_seconds=10, average_bitrate=2e6)
    async with desk.database.write() as connection:
        await keep(connection, [(None, first)])
        await keep(connection, [(first, then)])
        assert told(await figures.by_day(connection, "t" * 26, (1, 1))) == {1: near(3.0, 0.25, 2e6)}


async def test_sessions_without_a_picture_stalls_and_dropped_frames_are_counted(desk: Desk) -> None:
    seen = played("t", 1, started=True, stalls=2, rebuffer_seconds=1.5, dropped_frames=40, ended="quit")
    left, failed = played("t", 1, ended="quit"), played("t", 1, ended="failed")
    going_on = played("t", 1, dropped_frames=2)
    later = replace(going_on, started=True, stalls=1, dropped_frames=7)
    async with desk.database.write() as connection:
        await keep(connection, [(None, session) for session in (seen, left, failed, going_on)])
        await keep(connection, [(going_on, later)])
        [day] = (await figures.by_day(connection, "t" * 26, (1, 1))).values()
        [together] = (await figures.by_title(connection, [ALL], (1, 1))).values()
    assert (day.sessions, day.exits_before_start, day.start_failures) == (4, 1, 1)
    assert (day.stalls, day.rebuffer_seconds, day.dropped_frames) == (3, 1.5, 47)
    assert together == day


async def test_what_is_old_is_forgotten(desk: Desk) -> None:
    old, new = played("t", 1, startup_seconds=1.0), played("t", 2, played_seconds=5)
    async with desk.database.write() as connection:
        await keep(connection, [(None, old), (None, new)])
        await quality.forget(connection, before_day=2)
        assert await quality.find(connection, old.session_id) is None
        assert await quality.find(connection, new.session_id) == new
        assert list(await figures.by_day(connection, "t" * 26, (0, 9))) == [2]
        assert await quality.startups(connection, "day", [ALL], (0, 9)) == {}
