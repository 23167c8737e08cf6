"""The AsyncAPI document: the one that is committed, and whole."""

import json
from pathlib import Path

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import validate

from control.event_data import encoded
from control.events.asyncapi import text
from control.events.runner import topic_of
from matinee.bus import Event
from matinee.cloud_events import headers_of
from protos.v1 import events_pb2
from tests.stack import ROOT

KINDS = [
    getattr(events_pb2, name)
    for name, message in events_pb2.DESCRIPTOR.message_types_by_name.items()
    if message.GetOptions().Extensions[events_pb2.topic]
]


SOMETHING = {
    FieldDescriptor.CPPTYPE_STRING: "something",
    FieldDescriptor.CPPTYPE_BOOL: True,
    FieldDescriptor.CPPTYPE_DOUBLE: 1.5,
    FieldDescriptor.CPPTYPE_INT32: 1,
    FieldDescriptor.CPPTYPE_INT64: 1,
}


@pytest.fixture(scope="module")
def document() -> dict[str, object]:
    return dict(json.loads(text()))


def test_the_committed_document_is_the_generated_one() -> None:
    committed: Path = ROOT / "docs" / "asyncapi.json"
    assert committed.read_text() == text(), "run `python -m control.events.asyncapi > docs/asyncapi.json`"


def test_every_event_has_its_topic_and_its_key(document: "dict[str, dict[str, dict[str, object]]]") -> None:
    for kind in KINDS:
        channel = document["channels"][topic_of(kind)]
        assert channel["address"] == topic_of(kind)
        assert list(channel["messages"]) == [kind.DESCRIPTOR.name]  # type: ignore[call-overload]


@pytest.mark.parametrize("kind", KINDS)
def test_the_data_is_as_the_document_tells(kind: "type[events_pb2.MoviePlayed]") -> None:
    described = json.loads(text())["components"]["messages"][kind.DESCRIPTOR.name]["payload"]
    data = json.loads(encoded(whole(kind())))
    validate(data, described)
    assert set(data) == set(described["properties"])


def whole(message: Message) -> Message:
    """A message with something in every field, and in those of the messages in it."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type and field.message_type.GetOptions().map_entry:
            getattr(message, field.name)["key"] = "something"
        elif field.message_type:
            inner = getattr(message, field.name)
            whole(inner.add() if field.is_repeated else inner)
        else:
            setattr(message, field.name, SOMETHING[field.cpp_type])
    return message


@given(st.sampled_from(KINDS), st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_headers_are_those_that_the_document_tells(kind: "type[events_pb2.MoviePlayed]", key: str) -> None:
    described = json.loads(text())["components"]["messages"][kind.DESCRIPTOR.name]["headers"]
    headers = dict(headers_of(Event("e1", topic_of(kind), key, 1.0, b"", "why")))
    assert set(described["required"]) <= set(headers) <= set(described["properties"])
    for name, schema in described["properties"].items():
        assert headers[name].decode() == schema.get("const", headers[name].decode())
