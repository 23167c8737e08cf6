"""What every mail transport does with a letter; run over each, and over each way to a mail server."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
from structlog.testing import capture_logs

from control.accounts.mail.letter import Letter
from control.accounts.mail.transport import ConsoleTransport, SmtpTransport, Transport
from tests.certificates import certificate
from tests.smtp import PASSWORD, USER, Mailbox, mail_server

pytestmark = pytest.mark.anyio

Delivered = Callable[[], list[Letter]]
Opened = tuple[Transport, Delivered]
SENDER = "films@example.org"


@asynccontextmanager
async def console() -> AsyncIterator[Opened]:
    with capture_logs() as lines:
        yield ConsoleTransport(), lambda: [Letter(line["to"], line["subject"], line["text"]) for line in lines]


@asynccontextmanager
async def smtp(tls: ssl.SSLContext | None = None, **server: bool) -> AsyncIterator[Opened]:
    async with mail_server(tls, **server) as box:
        proof = f"//{USER}:{quote(PASSWORD, safe='')}@" if server.get("login") else "//"
        transport = SmtpTransport(box.url.replace("//", proof), "films.example")
        yield transport, lambda: letters(box)
        assert {sent for *_, sent in box.proofs} <= {True}


def letters(box: Mailbox) -> list[Letter]:
    return [Letter(one["To"], one["Subject"], one.get_content().replace("\r\n", "\n")) for one in box.messages]


Way = Callable[[ssl.SSLContext], AbstractAsyncContextManager[Opened]]
WAYS: dict[str, Way] = {
    "console": lambda _: console(),
    "smtp": lambda _: smtp(),
    "smtp by STARTTLS": smtp,
    "smtp with a password by STARTTLS": partial(smtp, login=True),
    "smtps with a password": partial(smtp, from_the_start=True, login=True),
}


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(params=WAYS)
async def opened(
    request: pytest.FixtureRequest,
    trusted: tuple[ssl.SSLContext, Path],
    monkeypatch: pytest.MonkeyPatch,
    anyio_backend: str,
) -> AsyncIterator[Opened]:
    tls, file = trusted
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    async with WAYS[request.param](tls) as opened:
        yield opened


async def sent(transport: Transport, letter: Letter) -> None:
    await transport.send(letter.message(SENDER, "one", 1_800_000_000))


@pytest.mark.parametrize(
    "letter",
    [
        Letter("ada@example.org", "A subject", "A line.\n\nAnother one.\n"),
        Letter("ada@example.org", "Grüße aus dem Kino", "Bis zum Ende: Солярис, 千と千尋の神隠し.\n"),
        Letter("ada@example.org", "Dots", ".\n..\n. A line after a dot.\n"),
        Letter("ada@example.org", "A long link", f"https://films.example/confirm?token={'x' * 900}\n"),
        Letter("ada.o'hara+films@sub.example.org", "x" * 150, "To an odd address.\n"),
    ],
    ids=["plain", "not ASCII", "dots", "a long line", "an odd address"],
)
async def test_a_letter_comes_out_as_it_went_in(opened: Opened, letter: Letter) -> None:
    transport, delivered = opened
    await sent(transport, letter)
    assert delivered() == [letter]


async def test_letters_come_one_by_one_each_to_its_own(opened: Opened) -> None:
    transport, delivered = opened
    both = [Letter(f"{name}@example.org", f"To {name}", f"Hello {name}.\n") for name in ("ada", "bob")]
    for letter in both:
        await sent(transport, letter)
    assert delivered() == both
