"""Who vouches for the machines of a house, and who does not."""

from pathlib import Path

import pytest

from tests.authority import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


@pytest.fixture
def strangers(tmp_path: Path) -> Authority:
    """An authority that nobody of the house trusts."""
    return Authority(tmp_path / "strangers", name="strangers")
