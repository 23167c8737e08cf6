"""A letter, and its message on the wire (RFC 5322)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """Plain text for one person."""

    recipient: str
    subject: str
    text: str

    def message(self, sender: str, letter_id: str, time: float) -> EmailMessage:
        """The message, the same at each try; marked as automatic, so that no machine answers it (RFC 3834, 5)."""
        message = EmailMessage()
        message["From"] = Address("Matinee", addr_spec=sender)
        message["To"] = Address(addr_spec=self.recipient)
        message["Subject"] = self.subject
        message["Date"] = format_datetime(datetime.fromtimestamp(time, UTC))
        message["Message-ID"] = f"<{letter_id}@{sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self.text)
        return message
