"""Events as CloudEvents 1.0 in binary mode: the attributes are headers, the data is the message as proto3 JSON.

Headers are those of the Kafka protocol binding (CloudEvents 1.0.2, Kafka, 3.2): names with the prefix `ce_`, values in
UTF-8, and the content type without a prefix. Topic and key travel beside them.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from matinee.bus import Event
from matinee.errors import InvalidInput

SPEC_VERSION = "1.0"
SOURCE = "/matinee/control"
TYPE = "dev.matinee.{topic}.v1"
DATA_SCHEMA = "https://type.googleapis.com/matinee.v1.{message}"
"""The type URL of protobuf (google.protobuf.Any) as an absolute URI."""
CONTENT_TYPE = "application/json"
DEAD_LETTER = ".dead-letter"
"""What the topic of an event that could not be handled ends in; its type is what it was."""

MICROSECONDS = 1_000_000
_SPEC_VERSION = SPEC_VERSION.encode()
_CONTENT_TYPE = CONTENT_TYPE.encode()

Headers = Sequence[tuple[str, bytes]]
"""Names and values, as a record carries them."""


def headers_of(event: Event) -> Headers:
    """The headers of an event; its time is rounded to microseconds."""
    seconds, microseconds = divmod(round(event.time * MICROSECONDS), MICROSECONDS)
    headers = [
        *_of_topic(event.topic),
        ("ce_id", event.event_id.encode()),
        ("ce_time", b"%b.%06d+00:00" % (_second(seconds), microseconds)),
    ]
    if event.key:
        headers.append(("ce_subject", event.key.encode()))
    if event.reason:
        headers.append(("ce_reason", event.reason.encode()))
    return headers


def event_of(headers: Mapping[str, bytes | None], topic: str, data: bytes) -> Event:
    """The event of these headers on a topic. Raises `InvalidInput` when they are those of no event of ours."""
    value = headers.get
    event_id = value("ce_id")
    if not event_id or not value("ce_source") or not value("ce_type") or value("ce_specversion") != _SPEC_VERSION:
        raise InvalidInput("the headers are not those of a CloudEvent 1.0")
    try:
        time = datetime.fromisoformat((value("ce_time") or b"").decode())
        key, reason = (value("ce_subject") or b"").decode(), (value("ce_reason") or b"").decode()
        event = Event(event_id.decode(), topic, key, time.timestamp(), data, reason)
    except ValueError as error:
        raise InvalidInput("the headers are not those of a CloudEvent") from error
    if value("content-type") != _CONTENT_TYPE or time.tzinfo is None:
        raise InvalidInput("the event is none of Matinee's")
    return event


@lru_cache
def _second(seconds: int) -> bytes:
    """A second as RFC 3339 tells it, without its zone: many events share one."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()


@lru_cache
def _of_topic(topic: str) -> Headers:
    """What all events of a topic have."""
    topic = topic.removesuffix(DEAD_LETTER)
    return (
        ("ce_specversion", _SPEC_VERSION),
        ("ce_source", SOURCE.encode()),
        ("ce_type", TYPE.format(topic=topic).encode()),
        ("ce_dataschema", DATA_SCHEMA.format(message=message_name(topic)).encode()),
        ("content-type", _CONTENT_TYPE),
    )


def message_name(topic: str) -> str:
    """The message of a topic: `MoviePlayed` of `movie-played`."""
    return "".join(word.capitalize() for word in re.split("[-.]", topic))
