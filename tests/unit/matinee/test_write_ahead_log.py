"""Writes of others to a SQLite file are told, and silence too."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection, connect

import pytest

from matinee.write_ahead_log import LOOK_SECONDS, writes
from tests.patience import within

pytestmark = pytest.mark.anyio


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.db"


@pytest.fixture
def other(file: Path) -> Iterator[Connection]:
    """Somebody else who has the file open."""
    with closing(connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE numbers (number INTEGER)")
        yield connection


def write(connection: Connection) -> None:
    connection.execute("INSERT INTO numbers VALUES (1)")


def let_time_pass(file: Path) -> None:
    """Make the last write one of a minute ago."""
    os.utime(f"{file}-wal", (time.time() - 60, time.time() - 60))


async def silent(told: AsyncIterator[None]) -> "asyncio.Task[None]":
    """The next write, of which nothing was told for a while."""
    coming = asyncio.ensure_future(anext(told))
    await asyncio.wait([coming], timeout=2 * LOOK_SECONDS)
    assert not coming.done()
    return coming


async def test_a_write_is_told_soon_and_silence_is_not(file: Path, other: Connection) -> None:
    let_time_pass(file)
    told = writes(file)
    await anext(told)
    for _ in range(3):
        coming = await silent(told)
        write(other)
        async with within(2 * LOOK_SECONDS):
            await coming
        let_time_pass(file)
        await anext(told)


async def test_a_write_is_told_again_when_it_is_twice_as_old_as_its_commit_may_be_seen_late(
    file: Path, other: Connection
) -> None:
    written = time.time() - 0.3
    os.utime(f"{file}-wal", (written, written))
    told = writes(file)
    ages = []
    for _ in range(2):
        await anext(told)
        ages.append(time.time() - written)
    assert ages[1] >= 2 * ages[0] - LOOK_SECONDS


async def test_before_the_first_write_there_is_nothing_to_tell(file: Path) -> None:
    told = writes(file)
    await anext(told)
    coming = await silent(told)
    with closing(connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE numbers (number INTEGER)")
        await coming
