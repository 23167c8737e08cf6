"""Players' reports on their way from the edge to control."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from edge.cmcd.report import LONGEST_RECORD, Mode
from edge.metrics import MOST_SESSIONS, ROOM_BYTES, SEND_BYTES, SEND_SECONDS, SESSION_BYTES, Metrics
from matinee.errors import InvalidInput, Unavailable
from matinee.rpc.channel import open_channel
from tests.edge_desk import running
from tests.metrics_desk import MetricsDesk, at_work
from tests.patience import until, within

pytestmark = pytest.mark.anyio
NOW = 1_800_000_000.25
EVENT = b"e=ps,sta=p,ts=1800000000000,v=2"


@pytest.fixture
def desk() -> MetricsDesk:
    return MetricsDesk()


@pytest.fixture
async def metrics(desk: MetricsDesk, tmp_path: Path) -> AsyncIterator[Metrics]:
    async with at_work(desk, tmp_path / "c.sock") as channel:
        yield Metrics(channel, "secret", "edge-1", lambda: NOW)


async def test_reports_are_sent_by_session_with_when_and_how_they_came(metrics: Metrics, desk: MetricsDesk) -> None:
    metrics.take("s1", Mode.EVENT, EVENT)
    metrics.take("s2", Mode.REQUEST, b"br=3000,bs")
    metrics.take("s1", Mode.REQUEST, b"rc=200")
    await metrics.flush()
    [batch] = desk.batches
    assert (batch.edge_id, [entry.session_id for entry in batch.metrics]) == ("edge-1", ["s1", "s2"])
    event, request = desk.reports("s1")
    assert (event.mode, event.version, event.event, event.state) == ("event", 2, "ps", "p")
    assert (event.timestamp, event.received_at.ToMicroseconds()) == (1_800_000_000_000, NOW * 1_000_000)
    assert (request.mode, request.version, dict(request.keys)) == ("request", 1, {"rc": "200"})


async def test_nothing_is_sent_when_nothing_came(metrics: Metrics, desk: MetricsDesk) -> None:
    await metrics.flush()
    assert desk.asked == 0


async def test_malformed_reports_are_dropped_and_counted_and_the_others_go(metrics: Metrics, desk: MetricsDesk) -> None:
    for record in (b"\x00", b"rc=200", b"rc=", b"x" * (LONGEST_RECORD + 1)):
        metrics.take("s1", Mode.REQUEST, record)
    with capture_logs() as lines:
        await metrics.flush()
    assert len(list(desk.reports("s1"))) == 1
    assert [line["malformed"] for line in lines] == [3]


async def test_many_sessions_go_in_several_batches(metrics: Metrics, desk: MetricsDesk) -> None:
    for number in range(MOST_SESSIONS + 1):
        metrics.take(f"s{number}", Mode.REQUEST, b"bs")
    await metrics.flush()
    assert [len(batch.metrics) for batch in desk.batches] == [MOST_SESSIONS, 1]


async def test_one_session_cannot_take_the_room_of_all(metrics: Metrics, desk: MetricsDesk) -> None:
    while metrics.take("loud", Mode.REQUEST, b"bs" * 500):
        continue
    assert metrics.take("quiet", Mode.REQUEST, b"bs")
    assert metrics._size < SESSION_BYTES + 2_000
    with capture_logs() as lines:
        await metrics.flush()
    assert [line["crowded_out"] for line in lines] == [1]


async def test_what_waits_has_a_bound(metrics: Metrics) -> None:
    taken = [metrics.take(f"s{number}", Mode.REQUEST, b"x" * LONGEST_RECORD) for number in range(1_000)]
    assert not all(taken)
    assert metrics._size <= ROOM_BYTES


async def test_reports_wait_while_control_is_away(metrics: Metrics, desk: MetricsDesk) -> None:
    desk.refusal = Unavailable("stopping")
    metrics.take("s1", Mode.EVENT, EVENT)
    with pytest.raises(Unavailable):
        await metrics.flush()
    metrics.take("s1", Mode.REQUEST, b"rc=200")
    desk.refusal = None
    await metrics.flush()
    assert [report.mode for report in desk.reports("s1")] == ["event", "request"]
    assert metrics._size == 0


async def test_malformed_reports_count_once_however_often_they_are_sent(metrics: Metrics, desk: MetricsDesk) -> None:
    metrics.take("s1", Mode.EVENT, EVENT)
    metrics.take("s1", Mode.REQUEST, b"rc=")
    desk.refusal = Unavailable("stopping")
    for _ in range(3):
        with pytest.raises(Unavailable):
            await metrics.flush()
    desk.refusal = None
    await metrics.flush()
    assert metrics.dropped == {"malformed": 1}


async def test_a_batch_that_control_refuses_holds_nothing_up(metrics: Metrics, desk: MetricsDesk) -> None:
    desk.refusal = InvalidInput("no")
    metrics.take("s1", Mode.EVENT, EVENT)
    await metrics.flush()
    desk.refusal = None
    metrics.take("s2", Mode.EVENT, EVENT)
    await metrics.flush()
    assert [entry.session_id for batch in desk.batches for entry in batch.metrics] == ["s2"]


async def test_it_sends_by_itself_soon_and_at_once_when_there_is_much(metrics: Metrics, desk: MetricsDesk) -> None:
    async with running(metrics.run()):
        async with within(SEND_SECONDS * 5):
            metrics.take("s1", Mode.EVENT, EVENT)
            await until(lambda: desk.asked == 1)
        async with within(SEND_SECONDS * 0.9):
            for number in range(SEND_BYTES // 1_000):
                metrics.take(f"s{number}", Mode.REQUEST, b"rc=200," * 140 + b"bs")
            await until(lambda: desk.asked > 1)


async def test_it_goes_on_after_control_was_away(tmp_path: Path, desk: MetricsDesk) -> None:
    async with open_channel(f"unix:{tmp_path / 'c.sock'}") as channel:
        metrics = Metrics(channel, "secret", "edge-1")
        metrics.take("s1", Mode.EVENT, EVENT)
        with pytest.raises(Unavailable):
            await metrics.flush()
        async with running(metrics.run()), at_work(desk, tmp_path / "c.sock"):
            await until(lambda: list(desk.reports("s1")))
