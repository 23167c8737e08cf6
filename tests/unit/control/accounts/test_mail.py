"""Letters: what goes over the wire, and what happens when a server does not take it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from control.accounts.mail.letter import Letter
from control.accounts.mail.postbox import KEPT_SECONDS, LONGEST_QUEUE, Postbox
from control.accounts.mail.transport import ConsoleTransport, SmtpTransport, Transport
from matinee.errors import InvalidInput, Unavailable
from matinee.instance import free_port
from matinee.tokens import Clock
from tests.certificates import certificate
from tests.patience import until
from tests.smtp import Mailbox, mail_server

pytestmark = pytest.mark.anyio

LETTER = Letter(
    "ada@example.org", "Grüße", "A line.\n.\nA line after a dot, and a link: https://films.example/?t=a=b\n"
)


@pytest.fixture
async def box(anyio_backend: str) -> AsyncIterator[Mailbox]:
    async with mail_server() as running:
        yield running


@asynccontextmanager
async def running_postbox(
    transport: Transport, pauses: tuple[float, ...] = (0, 0, 0), clock: Clock = lambda: 1_800_000_000.0
) -> AsyncIterator[Postbox]:
    postbox = Postbox(transport, "films@example.org", clock, pauses)
    running = asyncio.create_task(postbox.run())
    try:
        yield postbox
    finally:
        running.cancel()


async def test_a_letter_comes_through_whole(box: Mailbox) -> None:
    async with running_postbox(SmtpTransport(box.url, "films.example")) as postbox:
        postbox.post(LETTER)
        await until(lambda: box.messages)
    message = box.messages[0]
    assert (message["To"], message["From"]) == ("ada@example.org", "Matinee <films@example.org>")
    assert (message["Subject"], message["Auto-Submitted"]) == ("Grüße", "auto-generated")
    assert box.text().split() == LETTER.text.split()


async def test_a_server_that_is_busy_is_asked_again(box: Mailbox) -> None:
    box.replies = ["451 later", "421 later"]
    async with running_postbox(SmtpTransport(box.url, "films.example")) as postbox:
        postbox.post(LETTER)
        await until(lambda: box.messages)
    assert len(box.recipients) == 3


async def test_what_is_refused_for_good_is_not_sent_again_and_told(
    box: Mailbox, capsys: pytest.CaptureFixture[str]
) -> None:
    box.replies = ["554 no"]
    async with running_postbox(SmtpTransport(box.url, "films.example")) as postbox:
        postbox.post(LETTER)
        await until(lambda: "could not be sent" in capsys.readouterr().out)
    assert len(box.recipients) == 1


class Counted:
    """A transport that counts its failures."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.failures = 0

    async def send(self, message: EmailMessage) -> None:
        try:
            await self._transport.send(message)
        except Unavailable:
            self.failures += 1
            raise


async def test_nothing_is_lost_while_a_server_is_away_and_the_log_says_so_once() -> None:
    port = free_port("127.0.0.1")
    transport = Counted(SmtpTransport(f"smtp://127.0.0.1:{port}", "films.example"))
    with capture_logs() as said:
        async with running_postbox(transport, (0.01,)) as postbox:
            for _ in range(3):
                postbox.post(LETTER)
            await until(lambda: transport.failures > 10)
            async with mail_server(port=port) as box:
                await until(lambda: len(box.messages) == 3 and len(said) == 2)
    away, back = said
    assert (away["event"], back["event"]) == ("mail waits, and is tried again", "mail is sent again")
    assert away["reason"].startswith("the mail server 127.0.0.1 cannot be used: ")
    assert LETTER.text not in str(said)


async def test_a_letter_is_given_up_when_its_links_are_good_no_more() -> None:
    now = [0.0]
    transport = Counted(SmtpTransport(f"smtp://127.0.0.1:{free_port('127.0.0.1')}", "films.example"))
    with capture_logs() as said:
        async with running_postbox(transport, (0.01,), lambda: now[0]) as postbox:
            postbox.post(LETTER)
            await until(lambda: transport.failures > 5)
            now[0] = KEPT_SECONDS
            await until(lambda: said[-1]["event"] == "a mail could not be sent")
    assert said[-1]["subject"] == LETTER.subject


async def test_nothing_is_done_for_a_letter_before_the_answer_of_who_asked_for_it_has_left(box: Mailbox) -> None:
    async with running_postbox(SmtpTransport(box.url, "films.example"), pauses=(60.0,)) as postbox:
        postbox.post(LETTER)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not box.talked


async def test_a_password_never_goes_in_clear(box: Mailbox) -> None:
    transport = SmtpTransport(box.url.replace("//", "//user:secret@"), "films.example")
    with pytest.raises((Unavailable, InvalidInput)):
        await transport.send(LETTER.message("films@example.org", 0))
    assert box.messages == []


async def test_who_shows_no_good_certificate_gets_no_password(tmp_path: Path) -> None:
    tls, _ = certificate(tmp_path)
    for from_the_start in (False, True):
        async with mail_server(tls, from_the_start=from_the_start, login=True) as box:
            transport = SmtpTransport(box.url.replace("//", "//user:secret@"), "films.example")
            with pytest.raises(Unavailable, match=r"the mail server 127\.0\.0\.1 cannot be used"):
                await transport.send(LETTER.message("films@example.org", 0))
        assert (box.messages, box.proofs) == ([], [])


async def test_a_password_that_is_refused_is_told_and_the_letter_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    async with mail_server(tls, login=True) as box:
        transport = SmtpTransport(box.url.replace("//", "//matinee:wrong@"), "films.example")
        with pytest.raises(Unavailable, match=r"does not take the user and password of mail\.smtp_url"):
            await transport.send(LETTER.message("films@example.org", 0))
    assert box.proofs == [("matinee", "wrong", True)]


async def test_where_no_server_is_set_the_log_has_the_whole_letter(capsys: pytest.CaptureFixture[str]) -> None:
    async with running_postbox(ConsoleTransport()) as postbox:
        postbox.post(LETTER)
        await until(lambda: "https://films.example/?t=a=b" in capsys.readouterr().out)


async def test_a_postbox_that_is_full_takes_no_more_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    postbox = Postbox(ConsoleTransport(), "films@example.org", lambda: 0.0)
    for _ in range(LONGEST_QUEUE + 1):
        postbox.post(LETTER)
    assert capsys.readouterr().out.count("given up") == 1


async def test_no_subject_adds_a_header() -> None:
    with pytest.raises(ValueError, match=r"CR|newline|linefeed"):
        Letter("ada@example.org", "A subject\r\nBcc: eve@example.org", "").message("films@example.org", 0)
