"""The AsyncAPI 3 document of the events, from their contract: `python -m control.events.asyncapi > docs/asyncapi.json`.

It is committed, and a test regenerates and compares it.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from matinee import __version__
from matinee.cloud_events import CONTENT_TYPE, DATA_SCHEMA, DEAD_LETTER, SOURCE, SPEC_VERSION, TYPE
from protos.comments import DESCRIPTORS, read_comments
from protos.v1 import events_pb2

Document = dict[str, Any]

TIMESTAMP = "google.protobuf.Timestamp"
SCALARS: dict[int, Document] = {
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.CPPTYPE_STRING: {"type": "string"},
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer"},
    FieldDescriptor.CPPTYPE_INT64: {"type": "string", "pattern": "^-?[0-9]+$"},
    FieldDescriptor.CPPTYPE_UINT64: {"type": "string", "pattern": "^[0-9]+$"},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number"},
}
"""Scalars in proto3 JSON: 64-bit integers are strings there."""
DEAD_LETTERS = {
    "address": f"{{topic}}{DEAD_LETTER}",
    "description": "Events that a consumer group could not handle; the header ce_reason says which group, and why.",
}


def asyncapi(comments: Mapping[str, str]) -> Document:
    """The document, in the words of the contract's comments."""
    events = {topic: message for message in _messages() if (topic := _option(message, "topic"))}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Matinee events",
            "version": __version__,
            "description": "CloudEvents 1.0 in binary mode. All events of one topic with one key keep their order.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {topic: _channel(topic, message, comments) for topic, message in events.items()}
        | {"dead-letters": _dead_letters(events)},
        "operations": {
            f"send-{topic}": {"action": "send", "channel": {"$ref": f"#/channels/{topic}"}} for topic in events
        },
        "components": {
            "messages": {message.name: _message(topic, message, comments) for topic, message in events.items()}
        },
    }


def schema(message: Descriptor, comments: Mapping[str, str]) -> Document:
    """What the message of an event is as proto3 JSON; fields with their default value are left out of it."""
    return {
        "type": "object",
        "properties": {field.name: _described(field, comments) for field in message.fields},
    }


def _channel(topic: str, message: Descriptor, comments: Mapping[str, str]) -> Document:
    return {"address": topic, "description": comments[message.full_name], "messages": _references([message])}


def _dead_letters(events: Mapping[str, Descriptor]) -> Document:
    parameter = {"enum": list(events), "description": "The topic on which the event came."}
    return {**DEAD_LETTERS, "parameters": {"topic": parameter}, "messages": _references(list(events.values()))}


def _references(messages: list[Descriptor]) -> Document:
    return {message.name: {"$ref": f"#/components/messages/{message.name}"} for message in messages}


def _message(topic: str, message: Descriptor, comments: Mapping[str, str]) -> Document:
    key = _option(message, "key")
    return {
        "name": TYPE.format(topic=topic),
        "title": message.name,
        "summary": comments[message.full_name],
        "contentType": CONTENT_TYPE,
        "headers": _headers(topic, message, key),
        "payload": schema(message, comments),
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": "0.5.0"}},
    }


def _headers(topic: str, message: Descriptor, key: str) -> Document:
    properties = {
        "ce_specversion": {"const": SPEC_VERSION},
        "ce_id": {"type": "string", "description": "The same whenever the event is sent again."},
        "ce_source": {"const": SOURCE},
        "ce_type": {"const": TYPE.format(topic=topic)},
        "ce_subject": {"type": "string", "description": key},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_dataschema": {"const": DATA_SCHEMA.format(message=message.name)},
        "ce_reason": {"type": "string", "description": "On dead-letter topics: the group and why it gave up."},
        "content-type": {"const": CONTENT_TYPE},
    }
    optional = {"ce_subject", "ce_reason"}
    return {
        "type": "object",
        "required": [name for name in properties if name not in optional],
        "properties": properties,
    }


def _messages() -> Iterator[Descriptor]:
    yield from events_pb2.DESCRIPTOR.message_types_by_name.values()


def _option(message: Descriptor, name: str) -> str:
    return str(message.GetOptions().Extensions[getattr(events_pb2, name)])


def _described(field: FieldDescriptor, comments: Mapping[str, str]) -> Document:
    described = {"description": comments[field.full_name]} if comments.get(field.full_name) else {}
    if entry := _entry(field):
        return {"type": "object", "additionalProperties": _type(entry.fields_by_name["value"], comments), **described}
    if field.is_repeated:
        return {"type": "array", "items": _type(field, comments), **described}
    return _type(field, comments) | described


def _type(field: FieldDescriptor, comments: Mapping[str, str]) -> Document:
    if field.enum_type:
        return {"type": "string", "enum": [value.name for value in field.enum_type.values]}
    if field.message_type and field.message_type.full_name == TIMESTAMP:
        return {"type": "string", "format": "date-time"}
    if field.message_type:
        return schema(field.message_type, comments)
    return SCALARS[field.cpp_type]


def _entry(field: FieldDescriptor) -> Descriptor | None:
    """The message of key and value, if the field is a map."""
    inner = field.message_type
    return inner if inner and inner.GetOptions().map_entry else None


def text() -> str:
    """The document as it is committed."""
    document = asyncapi(read_comments(DESCRIPTORS.read_bytes()))
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
