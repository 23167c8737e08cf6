"""PostgreSQL is killed under load and comes back: no event is lost, and none takes effect twice.

`MATINEE_TEST_AWAY_SECONDS=30` has it away for longer.
"""

import os
import tempfile
from pathlib import Path

import pytest

from tests.audit import Findings
from tests.killing import go_without

pytestmark = [pytest.mark.integration, pytest.mark.anyio, pytest.mark.timeout(300)]

AWAY_SECONDS = float(os.environ.get("MATINEE_TEST_AWAY_SECONDS", "3"))
RECOVERY_SECONDS = 5


async def test_a_server_that_is_killed_under_load_costs_no_event_and_doubles_none(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="matinee-") as parent:
        count, recovered_after = await go_without(tmp_path, Path(parent, "postgresql"), AWAY_SECONDS)
    assert count.findings == Findings()
    assert count.events > 0
    assert recovered_after < RECOVERY_SECONDS
