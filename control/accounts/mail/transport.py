"""How a message leaves the house: by SMTP (RFC 5321), or into the log where nobody has set a server."""

import ssl
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

import aiosmtplib
import structlog
from typing_extensions import override

from matinee.errors import InvalidInput, Unavailable

SECONDS = 20.0
PERMANENT = 500
"""Replies from here on will not change (RFC 5321, 4.2.1)."""

log = structlog.get_logger()


class Transport(Protocol):
    """Takes messages."""

    async def send(self, message: EmailMessage) -> None:
        """Hand a message over.

        Raises `Unavailable` when another try may succeed, `InvalidInput` when the message is refused for good.
        """


class ConsoleTransport(Transport):
    """Writes whole messages into the log: for whoever tries things out."""

    @override
    async def send(self, message: EmailMessage) -> None:
        log.info("mail", to=message["To"], subject=message["Subject"], text=message.get_content())


class SmtpTransport(Transport):
    """Hands messages to a server: `smtps://` by TLS from the start, `smtp://` by STARTTLS (RFC 3207).

    A password never goes over a connection that is not encrypted; without one, a server that offers no STARTTLS is
    taken as it is, as mail servers do among themselves (RFC 7435).
    """

    def __init__(self, url: str, name: str) -> None:
        parts = urlsplit(url)
        self._server = _Server(parts)
        self._name = name
        self._tls = ssl.create_default_context()

    @override
    async def send(self, message: EmailMessage) -> None:
        server = self._server
        try:
            await aiosmtplib.send(
                message,
                hostname=server.host,
                port=server.port,
                username=server.user,
                password=server.password,
                use_tls=server.tls,
                start_tls=None if server.user is None and not server.tls else not server.tls,
                tls_context=self._tls,
                local_hostname=self._name,
                timeout=SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _failure(max(one.code for one in error.recipients), error) from error
        except aiosmtplib.SMTPAuthenticationError as error:  # its owner will set another one, or has just done so
            reason = "does not take the user and password of mail.smtp_url"
            raise Unavailable(f"the mail server {server.host} {reason}: {error}") from error
        except aiosmtplib.SMTPResponseException as error:
            raise _failure(error.code, error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Unavailable(f"the mail server {server.host} cannot be used: {error}") from error


class _Server:
    def __init__(self, parts: SplitResult) -> None:
        self.tls = parts.scheme == "smtps"
        self.host = parts.hostname or ""
        self.user = unquote(parts.username) if parts.username else None
        self.password = unquote(parts.password or "") if self.user else None
        self.port = parts.port or (465 if self.tls else 587 if self.user else 25)


def _failure(code: int, error: Exception) -> Unavailable | InvalidInput:
    kind = InvalidInput if code >= PERMANENT else Unavailable
    return kind(f"the mail server refuses the message: {error}")
