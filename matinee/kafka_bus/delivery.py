"""What became of the events of one publication, and what the errors of a broker mean for them."""

from collections.abc import Sequence

from aiokafka.errors import (
    BrokerResponseError,
    ClusterAuthorizationFailedError,
    InvalidReplicationFactorError,
    InvalidTimestampError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedForMessageFormatError,
    kafka_errors,
)

from matinee.bus import Event


class InvalidRecordError(BrokerResponseError):  # type: ignore[misc] # aiokafka has no types
    """INVALID_RECORD, which aiokafka takes for an accident inside the broker: that one passes, and this does not."""

    errno = 87
    message = "INVALID_RECORD"
    description = "The broker calls this record invalid."


kafka_errors.setdefault(InvalidRecordError.errno, InvalidRecordError)

REFUSALS = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidTimestampError,
    UnsupportedForMessageFormatError,
    kafka_errors[InvalidRecordError.errno],
)
"""A broker answers so to a batch that it will never take; which of its events is why, it does not say."""
CLOSED = (
    TopicAuthorizationFailedError,
    ClusterAuthorizationFailedError,
    InvalidTopicError,
    InvalidReplicationFactorError,
    PolicyViolationError,
)
"""It answers so where it takes nothing of a topic until somebody has changed rights or settings."""


class Delivery:
    """Grows with each answer of a broker."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events
        self.doubted: set[str] = set()
        """What was refused with others, so that it is sent alone."""
        self.kept: set[str] = set()
        self.refused: dict[str, str] = {}
        self.closed: dict[str, str] = {}

    @property
    def tells(self) -> bool:
        """Whether it is known of any event or topic what became of it."""
        return bool(self.kept or self.refused or self.closed)

    @property
    def is_whole(self) -> bool:
        """Whether the bus has all events, when none is left."""
        return not self.refused and not self.closed

    def left(self) -> Sequence[Event]:
        """The events that may be sent, in their order."""
        if not self.tells:
            return self._events
        kept, refused, closed = self.kept, self.refused, self.closed
        return [
            each
            for each in self._events
            if each.event_id not in kept and each.event_id not in refused and each.topic not in closed
        ]

    def keep(self, events: Sequence[Event]) -> None:
        """The bus has a batch."""
        self.kept.update([event.event_id for event in events])

    def refuse(self, events: Sequence[Event], error: KafkaError) -> None:
        """The bus will never take a batch."""
        if len(events) == 1:
            self.refused[events[0].event_id] = reason(error)
        self.doubted.update(event.event_id for event in events)

    def close(self, topic: str, error: KafkaError) -> None:
        """The bus takes nothing of a topic."""
        self.closed[topic] = reason(error)


def reason(error: KafkaError) -> str:
    """What a broker answered, in words."""
    return str(error.description or error)
