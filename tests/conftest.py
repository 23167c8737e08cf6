"""What every test starts from."""

import os
from collections.abc import Iterator

import pytest

from tests.stack import Stack, running_stack


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No MATINEE_* setting of the person who runs the tests reaches them."""
    for name in [name for name in os.environ if name.startswith("MATINEE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One instance for all tests that only use it."""
    with running_stack(tmp_path_factory.mktemp("stack") / "data") as running:
        yield running
