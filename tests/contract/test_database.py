"""What control relies on in its database, whichever it is."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import IntegrityError

from control.database import (
    Connection,
    Database,
    accounts,
    announcements,
    email_tokens,
    jobs,
    playback_sessions,
    removals,
    sessions,
    titles,
)
from control.database.accounts import Account
from control.database.email_tokens import EmailToken
from control.database.engine import looked_at, open_database
from control.database.sessions import RefreshToken, Session
from control.database.sqlite import SqliteConnection
from control.database.titles import Title
from control.jobs.job import Job
from control.jobs.job_states import State
from control.playback.session import PlaybackSession
from matinee.errors import Conflict, InvalidInput, Unavailable
from matinee.settings import DatabaseSettings
from tests.edge_desk import running
from tests.patience import within

pytestmark = pytest.mark.anyio

TITLE = Title("t" * 26, "A film", created_at=1.5)
ACCOUNT = Account("a" * 26, "a@b.example", "hash", "viewer", 1.5)
JOB = Job("j" * 26, TITLE.title_id, "u1", ACCOUNT.account_id, "f.mkv", 2**40, "", created_at=1, updated_at=1, due_at=1)


async def add_title(connection: Connection) -> None:
    await titles.add(connection, TITLE)


async def found(database: Database) -> Title | None:
    async with database.read() as connection:
        return await titles.find(connection, TITLE.title_id)


async def test_what_an_error_says_goes_into_logs_and_has_no_values_in_it(database: Database) -> None:
    orphan = EmailToken("d" * 64, "reset", "a@b.example", 1.5, account_id="0" * 26, password_hash="$argon2id$secret")
    with pytest.raises(IntegrityError) as refused:
        async with database.write() as connection:
            await email_tokens.issue(connection, orphan)
    assert "INSERT INTO email_tokens" in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_what_is_written_is_read_back_exactly(database: Database) -> None:
    whole = replace(TITLE, published=True, audio_languages=("eng", "deu"), size_bytes=2**40, published_at=1.25)
    async with database.write() as connection:
        await titles.add(connection, whole)
        await jobs.add_once(connection, JOB)
    async with database.read() as connection:
        assert await titles.find(connection, TITLE.title_id) == whole
        assert await jobs.find(connection, JOB.job_id) == JOB


async def test_an_exception_rolls_the_transaction_back(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as connection:
            await add_title(connection)
            raise Conflict("no")

    with pytest.raises(Conflict):
        await fail()
    assert await found(database) is None


async def test_nobody_sees_what_is_not_committed(database: Database) -> None:
    async with database.write() as connection:
        await add_title(connection)
        assert await found(database) is None
    assert await found(database) == TITLE


async def test_a_reader_sees_one_state_while_others_write(database: Database) -> None:
    async with database.write() as connection:
        await add_title(connection)
    async with database.read() as reader:
        before = await titles.find(reader, TITLE.title_id)
        async with database.write() as writer:
            await titles.save(writer, replace(TITLE, name="Another"))
        assert await titles.find(reader, TITLE.title_id) == before == TITLE


async def test_no_change_is_lost_between_writers(database: Database) -> None:
    async with database.write() as connection:
        await add_title(connection)

    async def widen() -> None:
        async with database.write() as connection:
            title = await titles.find(connection, TITLE.title_id, lock=True)
            assert title is not None
            await titles.save(connection, replace(title, width=title.width + 1))

    await asyncio.gather(*(widen() for _ in range(30)))
    title = await found(database)
    assert title is not None
    assert title.width == 30


async def test_what_belongs_to_a_title_goes_with_it(database: Database) -> None:
    session = PlaybackSession("p" * 26, TITLE.title_id, ACCOUNT.account_id, "", "TV", 1, 1, 100)
    async with database.write() as connection:
        await add_title(connection)
        await accounts.add(connection, ACCOUNT)
        await jobs.add_once(connection, JOB)
        await playback_sessions.add(connection, session)
        await titles.remove(connection, TITLE.title_id)
        assert await jobs.find(connection, JOB.job_id) is None
        assert await playback_sessions.find(connection, session.session_id) is None


async def test_an_upload_has_one_job(database: Database) -> None:
    async with database.write() as connection:
        await add_title(connection)
        assert await jobs.add_once(connection, JOB) == JOB
        assert await jobs.add_once(connection, replace(JOB, job_id="k" * 26)) == JOB


async def test_due_jobs_come_oldest_first_and_only_when_due(database: Database) -> None:
    later = replace(JOB, job_id="k" * 26, upload_id="u2", due_at=50)
    done = replace(JOB, job_id="a" * 26, upload_id="u3", state=State.PUBLISHED)
    async with database.write() as connection:
        await add_title(connection)
        for job in (later, done, JOB):
            await jobs.add_once(connection, job)
        assert await jobs.next_due(connection, 0) is None
        assert await jobs.next_due(connection, 60) == JOB
        await jobs.save(connection, replace(JOB, state=State.RUNNING, due_at=100))
        assert await jobs.next_due(connection, 60) == later
        await jobs.save(connection, replace(later, state=State.FAILED))
        assert await jobs.next_due(connection, 100) == replace(JOB, state=State.RUNNING, due_at=100)


async def test_a_job_is_due_that_waited_before_the_clock_was_turned_back(database: Database) -> None:
    async with database.write() as connection:
        await add_title(connection)
        waiting = await jobs.add_once(connection, replace(JOB, due_at=86_400))
        assert await jobs.next_due(connection, 0) == waiting
        await jobs.save(connection, replace(waiting, state=State.RUNNING))
        assert await jobs.next_due(connection, 0) is None


async def test_expired_refresh_tokens_go_and_sessions_with_their_last(database: Database) -> None:
    async with database.write() as connection:
        await accounts.add(connection, ACCOUNT)
        for session_id, ends in (("old", [10]), ("new", [10, 30])):
            await sessions.add(connection, Session(session_id, ACCOUNT.account_id, 1))
            for end in ends:
                await sessions.add_refresh_token(connection, RefreshToken(f"{session_id}{end}", session_id, end))
        await sessions.forget_expired(connection, 20)
        assert await sessions.account_of(connection, "old") is None
        assert await sessions.account_of(connection, "new") == ACCOUNT
        assert await sessions.find_refresh_token(connection, "new10") is None


async def test_announcements_come_in_order_and_ids_are_never_used_again(database: Database) -> None:
    async with database.write() as connection:
        await announcements.revoke(connection, ["s1", "s2"], "why", now=1)
        newest = await announcements.newest(connection)
        assert [one.subject_id for one in await announcements.later_than(connection, 0)] == ["s1", "s2"]
        await announcements.forget(connection, before=2)
        await announcements.announce_key(connection, now=3)
        assert [one.subject_id for one in await announcements.later_than(connection, newest)] == [""]


async def test_a_removal_is_pending_until_it_is_done(database: Database) -> None:
    async with database.write() as connection:
        await removals.note(connection, ["assets/x/", "uploads/y/", "assets/x/"], now=1)
        await removals.note(connection, ["assets/x/"], now=2)
        assert await removals.pending(connection) == ["uploads/y/", "assets/x/"]
        await removals.done(connection, "uploads/y/")
        assert await removals.pending(connection) == ["assets/x/"]


async def test_opening_again_keeps_everything(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'matinee.db'}"
    for _ in range(2):
        opened = await open_database(url)
        if await found(opened) is None:
            async with opened.write() as connection:
                await add_title(connection)
        assert await found(opened) == TITLE
        await opened.close()


async def test_a_database_that_cannot_be_made_is_refused_with_a_sentence() -> None:
    with pytest.raises(InvalidInput, match="cannot be made"):
        await open_database("sqlite+aiosqlite:////proc/matinee/matinee.db")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_who_only_looks_at_a_database_hears_as_well_that_the_server_has_none(database_url: str) -> None:
    nowhere = make_url(database_url).set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(InvalidInput, match=r'database\.url cannot be used: .*"nowhere"'):
        async with looked_at(nowhere, DatabaseSettings()) as database:
            await database.check()


async def test_a_sign_of_life_that_comes_late_takes_no_time_back(database: Database) -> None:
    session = PlaybackSession("p" * 26, TITLE.title_id, ACCOUNT.account_id, "", "TV", 1, 50, 100)
    async with database.write() as connection:
        await accounts.add(connection, ACCOUNT)
        await add_title(connection)
        await playback_sessions.add(connection, session)
        for moment in (40, 60, 55):
            await playback_sessions.seen(connection, [session.session_id], moment)
        (known,) = await playback_sessions.among(connection, [session.session_id], 70)
    assert known.last_seen_at == 60


async def test_a_database_that_fails_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "matinee.db").mkdir()
    with pytest.raises(Unavailable, match="does not answer"):
        await open_database(f"sqlite+aiosqlite:///{tmp_path / 'matinee.db'}")


def test_a_connection_closed_in_a_transaction_keeps_nobody_out(tmp_path: Path) -> None:
    closed = sqlite3.connect(tmp_path / "matinee.db", factory=SqliteConnection, isolation_level=None)
    closed.execute("CREATE TABLE words (word TEXT)")
    closed.execute("BEGIN IMMEDIATE")
    unfinished = closed.execute("INSERT INTO words VALUES ('one'), ('two') RETURNING word")
    closed.close()
    with closing(sqlite3.connect(tmp_path / "matinee.db", timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
    del unfinished


async def test_another_process_is_told_of_what_is_written_and_need_not_look(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.database.news.LOOK_SECONDS", 60)
    other, heard = await open_database(database_url), asyncio.Event()
    async with running(database.hear_others(heard.set)), running(other.hear_others(lambda: None)):
        await heard.wait()
        for number in range(5):
            heard.clear()
            async with within(10):
                async with other.write() as connection:
                    await removals.note(connection, [f"uploads/{number}/"], 1)
                await heard.wait()
    await other.close()


async def test_a_query_on_postgresql_is_planned_for_its_values_however_often_it_is_asked(database: Database) -> None:
    async with database.read() as connection:
        if connection.dialect.name == "sqlite":
            return
        for number in range(10):
            await titles.find(connection, str(number))
        plans = "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT titles%'"
        assert tuple((await connection.execute(text(plans))).one()) == (10, 0)
