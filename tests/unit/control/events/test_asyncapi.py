"""The AsyncAPI document: the one that is committed, and whole."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@given(st.sampled_from(KINDS), st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_headers_are_those_that_the_document_tells(kind: "type[events_pb2.MoviePlayed]", key: str) -> None:
    described = json.loads(text())["components"]["messages"][kind.DESCRIPTOR.name]["headers"]
    headers = headers_of(Event("e1", topic_of(kind), key, 1.0, b"", "why"))
    assert set(described["required"]) <= set(headers) <= set(described["properties"])
    for name, schema in described["properties"].items():
        assert headers[name].decode() == schema.get("const", headers[name].decode())
