"""kill -9 between commit and send: no event is lost, and none takes effect twice."""

import random
from pathlib import Path

import pytest

from tests.ledger import kill_repeatedly

pytestmark = [pytest.mark.integration, pytest.mark.anyio, pytest.mark.timeout(300)]


async def test_killed_at_random_moments_under_load_it_loses_and_doubles_nothing(tmp_path: Path) -> None:
    count = await kill_repeatedly(tmp_path, 20, random.Random())
    assert count.events > 0
    assert count.caught > 0, "no kill came between commit and send: the test showed nothing"
    assert (count.lost, count.doubled, count.disordered) == (0, 0, 0)
