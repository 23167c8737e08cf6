"""What every test starts from."""

import os

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No MATINEE_* setting of the person who runs the tests reaches them."""
    for name in [name for name in os.environ if name.startswith("MATINEE_")]:
        monkeypatch.delenv(name)
