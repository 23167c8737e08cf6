"""Grants, against a genuine EdgeService on a unix socket."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge import grants as module
from edge.grants import Grants
from matinee.errors import PermissionDenied, Unavailable
from matinee.rpc.channel import Channel, open_channel
from protos.v1 import playback_pb2
from tests.edge_desk import EdgeDesk, at_work, running
from tests.patience import until, within

pytestmark = pytest.mark.anyio
ASSET = "a" * 26


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Keys:
    """Counts how often it was told to fetch."""

    def __init__(self) -> None:
        self.fetched = 0

    async def refresh(self) -> None:
        self.fetched += 1


@pytest.fixture
def desk() -> EdgeDesk:
    return EdgeDesk()


@pytest.fixture
async def channel(desk: EdgeDesk, tmp_path: Path) -> AsyncIterator[Channel]:
    async with at_work(desk, tmp_path / "control.sock") as channel:
        yield channel


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPORT_SECONDS", 0.02)


def make(channel: Channel, clock: Clock | None = None, keys: Keys | None = None) -> Grants:
    return Grants(channel, "secret", "edge-1", (keys or Keys()).refresh, clock or Clock())


async def test_control_is_asked_once_on_first_sight(desk: EdgeDesk, channel: Channel) -> None:
    grants = make(channel)
    found = await asyncio.gather(*(grants.grant("s1", ASSET) for _ in range(50)))
    assert grants.held("s1", ASSET) == found[0] == await grants.grant("s1", ASSET)
    assert (desk.asked, desk.metadata) == (["s1"], ["secret"])


async def test_a_caller_that_leaves_does_not_fail_the_others(desk: EdgeDesk, channel: Channel) -> None:
    desk.open.clear()
    grants = make(channel)
    first, second = (asyncio.create_task(grants.grant("s1", ASSET)) for _ in range(2))
    await until(lambda: bool(desk.asked))
    first.cancel()
    desk.open.set()
    assert (await second).session_id == "s1"


async def test_a_grant_says_which_rungs_may_be_served(desk: EdgeDesk, channel: Channel) -> None:
    desk.max_height = 720
    assert (await make(channel).grant("s1", ASSET)).max_height == 720


async def test_a_grant_is_for_one_asset(desk: EdgeDesk, channel: Channel) -> None:
    grants = make(channel)
    await grants.grant("s1", ASSET)
    with pytest.raises(PermissionDenied):
        await grants.grant("s1", "b" * 26)


async def test_a_refusal_is_remembered_for_a_short_while(desk: EdgeDesk, channel: Channel) -> None:
    desk.ended.add("s1")
    clock = Clock()
    grants = make(channel, clock)
    for _ in range(3):
        with pytest.raises(PermissionDenied):
            await grants.grant("s1", ASSET)
    assert desk.asked == ["s1"]
    clock.ahead = module.DENIED_SECONDS + 1
    with pytest.raises(PermissionDenied):
        await grants.grant("s1", ASSET)
    assert desk.asked == ["s1", "s1"]


async def test_an_expired_grant_is_asked_for_again(desk: EdgeDesk, channel: Channel) -> None:
    clock = Clock()
    grants = make(channel, clock)
    await grants.grant("s1", ASSET)
    clock.ahead = desk.grant_seconds + 1
    assert grants.held("s1", ASSET) is None
    await grants.grant("s1", ASSET)
    assert desk.asked == ["s1", "s1"]


async def test_an_edge_whose_clock_is_ahead_by_more_than_a_grant_lasts_asks_each_time_and_serves(
    desk: EdgeDesk, channel: Channel
) -> None:
    clock = Clock()
    clock.ahead = desk.grant_seconds + 1
    grants = make(channel, clock)
    for _ in range(2):
        assert (await grants.grant("s1", ASSET)).session_id == "s1"
    assert desk.asked == ["s1", "s1"]


async def test_an_edge_whose_clock_is_behind_honours_a_grant_for_as_much_longer(
    desk: EdgeDesk, channel: Channel
) -> None:
    clock = Clock()
    clock.ahead = -10.0
    grants = make(channel, clock)
    await grants.grant("s1", ASSET)
    clock.ahead += desk.grant_seconds + 9
    assert grants.held("s1", ASSET)
    clock.ahead += 2
    assert not grants.held("s1", ASSET)


async def test_without_control_grants_are_honoured_and_new_sessions_are_told_to_wait(tmp_path: Path) -> None:
    desk = EdgeDesk()
    async with open_channel(f"unix:{tmp_path / 'c.sock'}") as channel:
        grants = make(channel)
        async with at_work(desk, tmp_path / "c.sock"):
            await grants.grant("s1", ASSET)
        assert (await grants.grant("s1", ASSET)).session_id == "s1"
        with pytest.raises(Unavailable):
            await grants.grant("s2", ASSET)


async def test_sessions_in_use_are_reported_together(desk: EdgeDesk, channel: Channel) -> None:
    grants = make(channel)
    async with running(grants.run()):
        for session in ("s2", "s1", "s2"):
            await grants.grant(session, ASSET)
        await until(lambda: {s for _, sessions in desk.reports for s in sessions} == {"s1", "s2"})
        assert all(sessions for _, sessions in desk.reports)


async def test_a_report_names_only_as_many_sessions_as_control_takes(
    desk: EdgeDesk, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPORT_SESSIONS", 2)
    grants = make(channel)
    for session in ("s1", "s2", "s3", "s4", "s5"):
        await grants.grant(session, ASSET)
    async with running(grants.run()):
        await until(lambda: len(desk.reports) == 3)
    assert desk.reports == [("edge-1", ["s1", "s2"]), ("edge-1", ["s3", "s4"]), ("edge-1", ["s5"])]


async def test_a_renewal_prolongs_a_grant_and_may_change_it(desk: EdgeDesk, channel: Channel) -> None:
    grants = make(channel)
    async with running(grants.run()):
        first = await grants.grant("s1", ASSET)
        desk.max_height = 360
        await desk.news.put(playback_pb2.ConnectResponse(renewed=[desk.grant("s1", ASSET), desk.grant("s9", ASSET)]))
        await until(lambda: (grants.held("s1", ASSET) or first).max_height == 360)
        assert grants.held("s9", ASSET) is None


async def test_a_revoked_session_is_refused_within_a_second(desk: EdgeDesk, channel: Channel) -> None:
    grants = make(channel)
    async with running(grants.run()):
        await grants.grant("s1", ASSET)
        await until(lambda: bool(desk.reports))
        async with within(1):
            await desk.revoke("s1")
            await until(lambda: grants.held("s1", ASSET) is None)
        with pytest.raises(PermissionDenied, match=r"^stopped$") as refused:  # the reason of the revocation
            await grants.grant("s1", ASSET)
        assert refused.value.cause == "PLAN_REQUIRED"
        assert desk.asked == ["s1"]


async def test_a_revocation_overtakes_a_grant_that_is_on_its_way(desk: EdgeDesk, channel: Channel) -> None:
    desk.open.clear()
    grants = make(channel)
    async with running(grants.run()):
        asking = asyncio.create_task(grants.grant("s1", ASSET))
        await until(lambda: bool(desk.asked))
        await desk.revoke("s1")
        await until(lambda: "s1" in grants._denied)
        desk.ended.clear()
        desk.open.set()
        with pytest.raises(PermissionDenied):
            await asking
        assert grants.held("s1", ASSET) is None


async def test_after_a_broken_stream_every_held_session_is_reported(tmp_path: Path) -> None:
    doors = [tmp_path / "1.sock", tmp_path / "2.sock"]  # a stopping server removes its socket late
    first, second = EdgeDesk(), EdgeDesk()
    (tmp_path / "c.sock").symlink_to(doors[0])
    async with open_channel(f"unix:{tmp_path / 'c.sock'}") as channel:
        grants = make(channel)
        async with running(grants.run()):
            async with at_work(first, doors[0]):
                await grants.grant("s1", ASSET)
                await until(lambda: ("edge-1", ["s1"]) in first.reports)
            (tmp_path / "c.sock").unlink()
            (tmp_path / "c.sock").symlink_to(doors[1])
            async with at_work(second, doors[1]):
                await until(lambda: second.reports[:1] == [("edge-1", ["s1"])])


async def test_a_control_that_hangs_is_left(desk: EdgeDesk, channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.05)
    desk.silent = True
    grants = make(channel)
    async with running(grants.run()):
        await grants.grant("s1", ASSET)
        await until(lambda: desk.streams >= 3)
        assert {session for _, sessions in desk.reports for session in sessions} == {"s1"}


async def test_a_control_that_has_answered_is_soon_asked_again(
    desk: EdgeDesk, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(module, "LONGEST_PAUSE_SECONDS", 1000)
    desk.brief = True
    grants = make(channel)
    async with running(grants.run()):
        await grants.grant("s1", ASSET)
        await until(lambda: desk.streams > 20)  # with pauses that doubled this would take half an hour


async def test_who_runs_it_hears_when_its_stream_was_cancelled_by_nobody(desk: EdgeDesk, channel: Channel) -> None:
    grants = make(channel)
    running = asyncio.create_task(grants.run())
    await grants.grant("s1", ASSET)
    await until(lambda: grants.connected)
    await channel.close()  # which cancels the calls on it, and so whoever reads their answers
    with pytest.raises(ExceptionGroup) as found:
        await running
    [error] = found.value.exceptions
    assert "cancelled by nobody" in str(error)


async def test_news_of_keys_is_passed_on(desk: EdgeDesk, channel: Channel) -> None:
    keys = Keys()
    async with running(make(channel, keys=keys).run()):
        await desk.news.put(playback_pb2.ConnectResponse(keys_changed=True))
        await until(lambda: keys.fetched == 1)


async def test_what_has_expired_is_forgotten(desk: EdgeDesk, channel: Channel) -> None:
    clock = Clock()
    grants = make(channel, clock)
    desk.ended.add("gone")
    await grants.grant("s1", ASSET)
    with pytest.raises(PermissionDenied):
        await grants.grant("gone", ASSET)
    clock.ahead = desk.grant_seconds + 1
    async with running(grants.run()):
        await until(lambda: not grants._held and not grants._denied)
