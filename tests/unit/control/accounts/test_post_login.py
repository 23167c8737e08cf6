"""What follows a sign-in, event by event."""

from dataclasses import replace

import pytest

from control.accounts.mail.letters import Letters
from control.accounts.mail.postbox import Postbox
from control.accounts.mail.transport import ConsoleTransport
from control.accounts.post_login import PostLogin
from control.database import Database, accounts, sessions, waiting_letters
from control.database.accounts import Account
from control.database.waiting_letters import WaitingLetter
from control.timestamps import timestamp
from protos.v1.events_pb2 import UserAuthenticated

pytestmark = pytest.mark.anyio

ACCOUNT = Account("a" * 26, "ada@example.org", "", "viewer", 1.0)
LETTERS = Letters("https://films.example", confirmation_hours=24, reset_minutes=60)


@pytest.fixture(autouse=True)
async def account(database: Database, anyio_backend: str) -> None:
    async with database.write() as connection:
        await accounts.add(connection, ACCOUNT)


def sign_in(number: int, device: str, account_id: str = ACCOUNT.account_id) -> UserAuthenticated:
    return UserAuthenticated(
        account_id=account_id,
        session_id=f"{number:026}",
        method="password",
        device=device,
        address="192.0.2.1",
        time=timestamp(1_800_000_000.5 + number),
    )


def post_login(database: Database) -> PostLogin:
    return PostLogin(LETTERS, Postbox(database, ConsoleTransport(), "films@example.org", lambda: 1_800_000_000.0))


async def follow(database: Database, *events: UserAuthenticated) -> list[WaitingLetter]:
    """Hand events over, each in a transaction of its own, and give the letters that were posted."""
    for event in events:
        async with database.write() as connection:
            await post_login(database).handle(connection, event)
    async with database.read() as connection:
        return await waiting_letters.next_due(connection, 10)


async def test_the_last_login_is_the_latest_in_whichever_order_they_come(database: Database) -> None:
    await follow(database, sign_in(2, ""), sign_in(1, ""))
    async with database.read() as connection:
        found = await accounts.find(connection, ACCOUNT.account_id)
    assert found == replace(ACCOUNT, last_login_at=1_800_000_002.5)


async def test_every_sign_in_is_kept_for_so_long(database: Database) -> None:
    await follow(database, sign_in(1, "Firefox on Linux"), sign_in(2, ""))
    async with database.write() as connection:
        kept = await sessions.audited(connection, "", 10, ACCOUNT.account_id)
        assert [(one.method, one.device, one.address, one.time) for one in kept] == [
            ("password", "", "192.0.2.1", 1_800_000_002.5),
            ("password", "Firefox on Linux", "192.0.2.1", 1_800_000_001.5),
        ]
        await sessions.forget_audit(connection, 1_800_000_002.5)
        assert await sessions.audited(connection, "", 10, ACCOUNT.account_id) == kept[:1]


async def test_only_a_device_that_was_not_seen_is_told_of(database: Database) -> None:
    phone, laptop = "Mobile Safari on iOS", "Firefox on Linux"
    told = await follow(database, sign_in(1, laptop), sign_in(2, laptop), sign_in(3, phone), sign_in(4, laptop))
    assert [letter.recipient for letter in told] == [ACCOUNT.email]
    assert phone in told[0].text
    assert "192.0.2.1" in told[0].text


async def test_a_new_device_is_told_of_also_when_the_audit_has_forgotten_all_others(database: Database) -> None:
    assert await follow(database, sign_in(1, "Firefox on Linux")) == []
    async with database.write() as connection:
        await sessions.forget_audit(connection, 1_900_000_000.0)
    told = await follow(database, sign_in(2, "Safari on macOS"))
    assert [letter.recipient for letter in told] == [ACCOUNT.email]


async def test_what_is_undone_and_done_again_is_told_once(database: Database) -> None:
    await follow(database, sign_in(1, "Firefox on Linux"))
    async with database.write() as connection:
        await post_login(database).handle(connection, sign_in(2, "Safari on macOS"))
        await connection.rollback()
    assert len(await follow(database, sign_in(2, "Safari on macOS"))) == 1


async def test_another_event_of_a_session_that_is_audited_says_nothing(database: Database) -> None:
    told = await follow(database, sign_in(1, "Firefox on Linux"), sign_in(1, "Safari on macOS"))
    assert told == []
    async with database.read() as connection:
        [kept] = await sessions.audited(connection, "", 10, ACCOUNT.account_id)
    assert kept.device == "Firefox on Linux"


async def test_an_account_that_is_gone_is_no_poison(database: Database) -> None:
    assert await follow(database, sign_in(1, "", account_id="b" * 26)) == []
