"""Consumers: who acts on events, as a consumer group of its own."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from control.database import Connection

Handler = Callable[[Connection, Any], Awaitable[None]]
"""Acts on the message of one event, inside the transaction that notes the event as done.

So an event takes effect once, however often the bus hands it over. A handler that raises has its transaction undone; an
event that can never be handled goes to the dead-letter topic.
"""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A consumer group, and what it does with each kind of message."""

    group: str
    handlers: Mapping[type[Message], Handler]
    after: Callable[[], None] | None = None
    """Called when a transaction with an effect has been committed, to wake whoever waits for it."""
