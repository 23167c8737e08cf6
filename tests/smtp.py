"""A mail server on loopback, as small as RFC 5321 allows, for one test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_string, policy
from email.message import EmailMessage


@dataclass
class Mailbox:
    """What came, and where to send it; `replies` are given to the next messages in place of 250."""

    url: str = ""
    talked: bool = False
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)

    def text(self, number: int = -1) -> str:
        """What one of the messages says."""
        return str(self.messages[number].get_content())


@asynccontextmanager
async def mail_server() -> AsyncIterator[Mailbox]:
    """A server that takes every message without a password."""
    box = Mailbox()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        box.talked = True
        writer.write(b"220 ready\r\n")
        while line := (await reader.readline()).decode().strip():
            verb = line[:4].upper()
            if verb == "RCPT":
                box.recipients.append(line.partition("<")[2].partition(">")[0])
            if verb == "DATA":
                writer.write(b"354 go on\r\n")
                raw = (await reader.readuntil(b"\r\n.\r\n")).decode().replace("\r\n..", "\r\n.")  # RFC 5321, 4.5.2
                reply = box.replies.pop(0) if box.replies else "250 taken"
                if reply.startswith("250"):
                    box.messages.append(message_from_string(raw.removesuffix(".\r\n"), policy=policy.default))
                writer.write(f"{reply}\r\n".encode())
                continue
            writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 fine\r\n")
            if verb == "QUIT":
                break
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        box.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield box
