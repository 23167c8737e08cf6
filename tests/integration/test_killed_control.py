"""kill -9 between commit and send: no event is lost, and none takes effect twice."""

import random
from pathlib import Path

import pytest

from tests.audit import Findings
from tests.killing import kill_repeatedly

pytestmark = [pytest.mark.integration, pytest.mark.anyio, pytest.mark.timeout(300)]


async def test_killed_at_random_moments_under_load_controls_lose_and_double_nothing(
    tmp_path: Path, database_url: str
) -> None:
    controls = 1 if database_url.startswith("sqlite") else 2
    count = await kill_repeatedly(tmp_path, database_url, 10, random.Random(), controls=controls)
    assert count.findings == Findings()
    assert count.events > 0
    assert count.unsent > 0, "no kill came between commit and send: the test showed nothing"
