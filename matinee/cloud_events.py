"""Events as CloudEvents 1.0 in binary mode: the attributes are headers, the data is the message as proto3 JSON.

Headers are those of the Kafka protocol binding (CloudEvents 1.0.2, Kafka, 3.2): names with the prefix `ce_`, values in
UTF-8, and the content type without a prefix. Topic and key travel beside them.
"""

import re
from collections.abc import Mapping
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

Headers = dict[str, bytes]


def headers_of(event: Event) -> Headers:
    """The headers of an event; its time is rounded to microseconds."""
    headers = {
        **_of_topic(event.topic),
        "ce_id": event.event_id.encode(),
        "ce_subject": event.key.encode(),
        "ce_time": datetime.fromtimestamp(event.time, UTC).isoformat(timespec="microseconds").encode(),
        "ce_reason": event.reason.encode(),
    }
    return {name: value for name, value in headers.items() if value}


def event_of(headers: Mapping[str, bytes], topic: str, data: bytes) -> Event:
    """The event of these headers on a topic. Raises `InvalidInput` when they are those of no event of ours."""
    value = headers.get
    named = value("ce_id") and value("ce_source") and value("ce_type")
    if not named or value("ce_specversion") != SPEC_VERSION.encode():
        raise InvalidInput("the headers are not those of a CloudEvent 1.0")
    try:
        time = datetime.fromisoformat(value("ce_time", b"").decode())
        key, reason = value("ce_subject", b"").decode(), value("ce_reason", b"").decode()
        event = Event(headers["ce_id"].decode(), topic, key, time.timestamp(), data, reason)
    except ValueError as error:
        raise InvalidInput("the headers are not those of a CloudEvent") from error
    if value("content-type") != CONTENT_TYPE.encode() or time.tzinfo is None:
        raise InvalidInput("the event is none of Matinee's")
    return event


@lru_cache
def _of_topic(topic: str) -> Headers:
    """What all events of a topic have."""
    topic = topic.removesuffix(DEAD_LETTER)
    return {
        "ce_specversion": SPEC_VERSION.encode(),
        "ce_source": SOURCE.encode(),
        "ce_type": TYPE.format(topic=topic).encode(),
        "ce_dataschema": DATA_SCHEMA.format(message=message_name(topic)).encode(),
        "content-type": CONTENT_TYPE.encode(),
    }


def message_name(topic: str) -> str:
    """The message of a topic: `MoviePlayed` of `movie-played`."""
    return "".join(word.capitalize() for word in re.split("[-.]", topic))
