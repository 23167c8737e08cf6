"""Letters: what goes over the wire, and what happens when a server does not take it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path
from shutil import copy

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from control.accounts.mail.letter import Letter
from control.accounts.mail.postbox import KEPT_SECONDS, LEAVING_SECONDS, LONGEST_PAUSE, SHORTEST_PAUSE, Postbox
from control.accounts.mail.transport import ConsoleTransport, SmtpTransport, Transport
from control.database import Database, waiting_letters
from control.database.engine import open_database
from matinee.errors import Conflict, InvalidInput, Unavailable
from tests.certificates import certificate
from tests.edge_desk import running
from tests.patience import until
from tests.ports import free_port
from tests.smtp import Mailbox, mail_server

pytestmark = pytest.mark.anyio

LETTER = Letter(
    "ada@example.org", "Grüße", "A line.\n.\nA line after a dot, and a link: https://films.example/?t=a=b\n"
)


@pytest.fixture
async def box(anyio_backend: str) -> AsyncIterator[Mailbox]:
    async with mail_server() as running:
        yield running


class Time:
    """A clock that stands still until a test sets it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
async def database(tmp_path: Path, migrated: Path, anyio_backend: str) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite+aiosqlite:///{copy(migrated, tmp_path)}")
    yield opened
    await opened.close()


class Counted(SmtpTransport):
    """A way to a mail server that counts its failures."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "films.example")
        self.failures = 0

    async def send(self, message: EmailMessage) -> None:
        try:
            await super().send(message)
        except Unavailable:
            self.failures += 1
            raise


@dataclass
class Office:
    """A postbox whose clock is turned, and whose rounds are made, by a test."""

    database: Database
    clock: Time
    transport: Transport

    def __post_init__(self) -> None:
        self.postbox = Postbox(self.database, self.transport, "films@example.org", self.clock)

    async def post(self, letter: Letter = LETTER) -> None:
        async with self.database.write() as connection:
            await self.postbox.post(connection, letter)

    async def send(self, after: float = LEAVING_SECONDS) -> None:
        """Let some time pass, and send what is due then."""
        self.clock.now += after
        await self.postbox.send()

    async def waiting(self) -> int:
        async with self.database.read() as connection:
            return len(await waiting_letters.next_due(connection, 100))


@pytest.fixture
def office(database: Database, clock: Time, box: Mailbox) -> Office:
    return Office(database, clock, SmtpTransport(box.url, "films.example"))


def closed_port() -> int:
    return free_port("127.0.0.1")


async def test_a_letter_comes_through_whole_and_is_forgotten(office: Office, box: Mailbox) -> None:
    await office.post()
    await office.send()
    (message,) = box.messages
    assert (message["To"], message["From"]) == ("ada@example.org", "Matinee <films@example.org>")
    assert (message["Subject"], message["Auto-Submitted"]) == ("Grüße", "auto-generated")
    assert box.text().split() == LETTER.text.split()
    assert await office.waiting() == 0


async def test_a_server_that_is_busy_is_asked_again_after_pauses_that_grow(office: Office, box: Mailbox) -> None:
    box.replies = ["451 later", "421 later"]
    await office.post()
    await office.send()
    for pause, tries in [(1.9, 1), (0.2, 2), (1.9, 2), (0.3, 3)]:
        await office.send(pause)
        assert len(box.recipients) == tries
    assert len(box.messages) == 1


async def test_what_is_refused_for_good_is_not_sent_again_and_told(office: Office, box: Mailbox) -> None:
    box.replies = ["554 no"]
    await office.post()
    with capture_logs() as said:
        await office.send()
    assert [line["event"] for line in said] == ["a mail could not be sent"]
    assert LETTER.text not in str(said)
    assert (len(box.recipients), await office.waiting()) == (1, 0)


async def test_nothing_is_lost_while_a_server_is_away_and_the_log_says_so_once(database: Database, clock: Time) -> None:
    port = closed_port()
    office = Office(database, clock, Counted(f"smtp://127.0.0.1:{port}"))
    for _ in range(3):
        await office.post()
    with capture_logs() as said:
        for _ in range(10):
            await office.send(LONGEST_PAUSE)
        async with mail_server(port=port) as box:
            await office.send(LONGEST_PAUSE)
    assert len(box.messages) == 3
    away, back = said
    assert (away["event"], back["event"]) == ("mail waits, and is tried again", "mail is sent again")
    assert away["reason"].startswith("the mail server 127.0.0.1 cannot be used: ")
    assert LETTER.text not in str(said)


async def test_what_waits_when_control_ends_is_sent_by_the_next(database: Database, clock: Time, box: Mailbox) -> None:
    before = Office(database, clock, Counted(f"smtp://127.0.0.1:{closed_port()}"))
    await before.post()
    await before.send()
    await Office(database, clock, SmtpTransport(box.url, "films.example")).send(SHORTEST_PAUSE)
    assert box.recipients == [LETTER.recipient]


async def test_a_letter_is_given_up_when_its_links_are_good_no_more(database: Database, clock: Time) -> None:
    office = Office(database, clock, Counted(f"smtp://127.0.0.1:{closed_port()}"))
    await office.post()
    await office.send()
    with capture_logs() as said:
        await office.send(KEPT_SECONDS - 1)
        assert await office.waiting() == 1
        await office.send(KEPT_SECONDS)
    assert (said[-1]["event"], said[-1]["subject"]) == ("a mail could not be sent", LETTER.subject)
    assert await office.waiting() == 0


async def test_nothing_is_done_for_a_letter_before_the_answer_of_who_asked_for_it_has_left(
    office: Office, box: Mailbox
) -> None:
    await office.post()
    await office.send(LEAVING_SECONDS / 2)
    assert not box.talked
    await office.send(LEAVING_SECONDS)
    assert box.messages


class Failing(Transport):
    """A way on which the database goes away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def send(self, message: EmailMessage) -> None:
        async with self._database.write() as connection:
            await connection.execute(text("ALTER TABLE waiting_letters RENAME TO gone"))


async def test_while_the_database_is_away_letters_wait_in_it(office: Office, box: Mailbox) -> None:
    failing = Office(office.database, office.clock, Failing(office.database))
    await failing.post()
    with pytest.raises(Unavailable):
        await failing.send()
    async with office.database.write() as connection:
        await connection.execute(text("ALTER TABLE gone RENAME TO waiting_letters"))
    await office.send()
    assert len(box.messages) == 1


async def test_a_letter_of_what_is_undone_is_none(office: Office, box: Mailbox) -> None:
    with suppress(Conflict):
        async with office.database.write() as connection:
            await office.postbox.post(connection, LETTER)
            raise Conflict("the cause failed")
    await office.send()
    assert not box.talked


async def test_nobody_can_tell_when_a_letter_leaves_that_may_be_none(office: Office) -> None:
    async with office.database.write() as connection:
        for _ in range(50):
            await office.postbox.post(connection, LETTER, within=3.0)
        moments = {one.due_at - office.clock.now for one in await waiting_letters.next_due(connection, 50)}
    assert len(moments) == 50
    assert min(moments) >= LEAVING_SECONDS > max(moments) - 3.0


async def test_a_letter_to_nobody_is_forgotten_unsent(office: Office, box: Mailbox) -> None:
    await office.post(replace(LETTER, recipient=""))
    await office.send()
    assert (box.talked, await office.waiting()) == (False, 0)


class Forgetful(SmtpTransport):
    """A way that takes a message, and dies before it can say so."""

    async def send(self, message: EmailMessage) -> None:
        await super().send(message)
        raise asyncio.CancelledError


async def test_a_letter_that_is_sent_again_is_the_same_message(office: Office, box: Mailbox) -> None:
    dying = Office(office.database, office.clock, Forgetful(box.url, "films.example"))
    await dying.post()
    with suppress(asyncio.CancelledError):
        await dying.send()
    await office.send()
    first, second = box.messages
    assert first.as_bytes() == second.as_bytes()
    assert first["Message-ID"].endswith("@example.org>")


async def test_what_is_posted_is_sent_while_the_postbox_runs(database: Database, box: Mailbox) -> None:
    postbox = Postbox(database, SmtpTransport(box.url, "films.example"), "films@example.org", time.time)
    async with running(postbox.run()):
        for number in range(1, 4):
            async with database.write() as connection:
                await postbox.post(connection, LETTER)
            await until(lambda number=number: len(box.messages) == number)  # type: ignore[misc]


async def test_a_password_never_goes_in_clear(box: Mailbox) -> None:
    transport = SmtpTransport(box.url.replace("//", "//user:secret@"), "films.example")
    with pytest.raises((Unavailable, InvalidInput)):
        await transport.send(LETTER.message("films@example.org", "one", 0))
    assert box.messages == []


async def test_who_shows_no_good_certificate_gets_no_password(tmp_path: Path) -> None:
    tls, _ = certificate(tmp_path)
    for from_the_start in (False, True):
        async with mail_server(tls, from_the_start=from_the_start, login=True) as box:
            transport = SmtpTransport(box.url.replace("//", "//user:secret@"), "films.example")
            with pytest.raises(Unavailable, match=r"the mail server 127\.0\.0\.1 cannot be used"):
                await transport.send(LETTER.message("films@example.org", "one", 0))
        assert (box.messages, box.proofs) == ([], [])


async def test_a_password_that_is_refused_is_told_and_the_letter_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    async with mail_server(tls, login=True) as box:
        transport = SmtpTransport(box.url.replace("//", "//matinee:wrong@"), "films.example")
        with pytest.raises(Unavailable, match=r"does not take the user and password of mail\.smtp_url"):
            await transport.send(LETTER.message("films@example.org", "one", 0))
    assert box.proofs == [("matinee", "wrong", True)]


async def test_where_no_server_is_set_the_log_has_the_whole_letter(database: Database, clock: Time) -> None:
    office = Office(database, clock, ConsoleTransport())
    await office.post()
    with capture_logs() as said:
        await office.send()
    assert [(line["to"], line["text"]) for line in said] == [(LETTER.recipient, LETTER.text)]


async def test_no_subject_adds_a_header() -> None:
    with pytest.raises(ValueError, match=r"CR|newline|linefeed"):
        Letter("ada@example.org", "A subject\r\nBcc: eve@example.org", "").message("films@example.org", "one", 0)
