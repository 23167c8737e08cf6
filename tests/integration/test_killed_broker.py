"""kill -9 of the broker: no event is lost, none takes effect twice, and each key keeps its order.

`MATINEE_TEST_AWAY_SECONDS=65` has it away for as long each time.
"""

import os
from pathlib import Path

import pytest

from tests.broker_kills import kill_broker
from tests.services.kafka import kafka

AWAY_SECONDS = float(os.environ.get("MATINEE_TEST_AWAY_SECONDS", "0"))

pytestmark = [pytest.mark.integration, pytest.mark.anyio, pytest.mark.timeout(300 + 2 * AWAY_SECONDS)]


async def test_killed_and_started_again_while_events_flow_it_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with kafka(tmp_path / "kafka") as broker:
        count = await kill_broker(tmp_path, broker, 5_000, 2, AWAY_SECONDS)
    assert count.events == 5_000
    assert count.caught > 0, "no kill came while events were under way: the test showed nothing"
    assert (count.lost, count.doubled, count.disordered) == (0, 0, 0)
