"""Events as CloudEvents 1.0 in binary mode: the attributes are headers, the data is the message as proto3 JSON.

Headers are those of the Kafka protocol binding (CloudEvents 1.0.2, Kafka, 3.2): names with the prefix `ce_`, values in
UTF-8, and the content type without a prefix. Topic and key travel beside them.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

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
NEEDED = ("ce_id", "ce_source", "ce_type")

Headers = dict[str, bytes]


def headers_of(event: Event) -> Headers:
    """The headers of an event; its time is rounded to microseconds."""
    topic = event.topic.removesuffix(DEAD_LETTER)
    attributes = {
        "ce_specversion": SPEC_VERSION,
        "ce_id": event.event_id,
        "ce_source": SOURCE,
        "ce_type": TYPE.format(topic=topic),
        "ce_subject": event.key,
        "ce_time": datetime.fromtimestamp(event.time, UTC).isoformat(timespec="microseconds"),
        "ce_dataschema": DATA_SCHEMA.format(message=message_name(topic)),
        "ce_reason": event.reason,
        "content-type": CONTENT_TYPE,
    }
    return {name: value.encode() for name, value in attributes.items() if value}


def event_of(headers: Mapping[str, bytes], topic: str, data: bytes) -> Event:
    """The event of these headers on a topic. Raises `InvalidInput` when they are those of no event of ours."""
    try:
        attributes = {name: value.decode() for name, value in headers.items()}
        time = datetime.fromisoformat(attributes.get("ce_time", ""))
    except ValueError as error:
        raise InvalidInput("the headers are not those of a CloudEvent") from error
    if attributes.get("ce_specversion") != SPEC_VERSION or not all(attributes.get(name) for name in NEEDED):
        raise InvalidInput("the headers are not those of a CloudEvent 1.0")
    if attributes.get("content-type") != CONTENT_TYPE or time.tzinfo is None:
        raise InvalidInput("the event is none of Matinee's")
    reason = attributes.get("ce_reason", "")
    return Event(attributes["ce_id"], topic, attributes.get("ce_subject", ""), time.timestamp(), data, reason)


def message_name(topic: str) -> str:
    """The message of a topic: `MoviePlayed` of `movie-played`."""
    return "".join(word.capitalize() for word in re.split("[-.]", topic))
