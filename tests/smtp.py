"""A mail server on loopback, as small as RFC 5321 allows; with TLS and a password where a test wants them."""

import asyncio
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

USER, PASSWORD = "matinee", "p@ss word: 1/2"


@dataclass
class Mailbox:
    """What came, and where to send it; `replies` are given to the next messages in place of 250.

    `proofs` are what was presented as a user and a password, and whether that came over TLS.
    """

    url: str = ""
    talked: bool = False
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    proofs: list[tuple[str, str, bool]] = field(default_factory=list)

    def text(self, number: int = -1) -> str:
        """What one of the messages says."""
        return str(self.messages[number].get_content())


@dataclass
class _Conversation:
    """What one client says, answered line by line."""

    box: Mailbox
    tls: ssl.SSLContext | None
    login: bool
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    proved: bool = False

    @property
    def encrypted(self) -> bool:
        return self.writer.get_extra_info("ssl_object") is not None

    async def run(self) -> None:
        self.say("220 ready")
        while line := (await self.reader.readline()).decode().strip():
            verb = line.partition(" ")[0].upper()
            if verb == "QUIT":
                self.say("221 bye")
                break
            if verb == "STARTTLS" and self.tls:
                self.say("220 go ahead")
                await self.writer.start_tls(self.tls)
            elif verb == "DATA":
                await self.take()
            else:
                self.say(self.answer(verb, line))

    def say(self, *lines: str) -> None:
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())

    def answer(self, verb: str, line: str) -> str:
        if verb == "EHLO":
            return "\r\n".join(["250-films", *self.offers(), "250 8BITMIME"])
        if verb == "AUTH":
            _, user, password = b64decode(line.split(" ")[2]).decode().split("\0")
            self.box.proofs.append((user, password, self.encrypted))
            self.proved = (user, password) == (USER, PASSWORD)
            return "235 welcome" if self.proved else "535 who are you?"
        if verb == "MAIL" and self.login and not self.proved:
            return "530 say who you are first"
        if verb == "RCPT":
            self.box.recipients.append(line.partition("<")[2].partition(">")[0])
        return "250 fine"

    def offers(self) -> list[str]:
        if self.tls and not self.encrypted:
            return ["250-STARTTLS"]
        return ["250-AUTH PLAIN"] if self.login else []

    async def take(self) -> None:
        self.say("354 go on")
        raw = (await self.reader.readuntil(b"\r\n.\r\n")).replace(b"\r\n..", b"\r\n.")  # RFC 5321, 4.5.2
        reply = self.box.replies.pop(0) if self.box.replies else "250 taken"
        if reply.startswith("250"):
            self.box.messages.append(message_from_bytes(raw.removesuffix(b".\r\n"), policy=policy.default))
        self.say(reply)


@asynccontextmanager
async def mail_server(
    tls: ssl.SSLContext | None = None, *, from_the_start: bool = False, login: bool = False, port: int = 0
) -> AsyncIterator[Mailbox]:
    """A server that takes every message; with TLS by STARTTLS or from the start, and of who signs in as USER alone."""
    box = Mailbox()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        box.talked = True
        # Clients may hang up, and a control that is killed does so in the middle of a letter.
        with closing(writer), suppress(ConnectionError, EOFError, ssl.SSLError):
            await _Conversation(box, tls, login, reader, writer).run()

    at_once = tls if from_the_start else None
    async with await asyncio.start_server(talk, "127.0.0.1", port, ssl=at_once) as server:
        box.url = f"smtp{'s' * from_the_start}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield box
