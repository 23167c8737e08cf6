"""Whole houses of these tests have a real PostgreSQL; those of a browser have SQLite, as a new user's house has it."""

from collections.abc import Iterator

import pytest

from tests.databases import chosen, fresh
from tests.stack import Stack, running_stack

HOUSE_DATABASE = chosen("postgresql")


@pytest.fixture
def house_database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A fresh database for a whole house of one test's own."""
    with fresh(request, HOUSE_DATABASE, tmp_path_factory.mktemp("database")) as url:
        yield url


@pytest.fixture(scope="module")
def shared_database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A fresh database for a whole house that the tests of a module share."""
    with fresh(request, HOUSE_DATABASE, tmp_path_factory.mktemp("database")) as url:
        yield url


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One instance for all of these tests that only use it."""
    with (
        fresh(request, HOUSE_DATABASE, tmp_path_factory.mktemp("database")) as url,
        running_stack(tmp_path_factory.mktemp("stack") / "data", DATABASE__URL=url) as running,
    ):
        yield running
