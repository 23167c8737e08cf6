"""Events as CloudEvents in binary mode."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.bus import Event
from matinee.cloud_events import event_of, headers_of, message_name
from matinee.errors import InvalidInput
from protos.v1 import events_pb2

EVENT = Event("e" * 26, "movie-played", "a" * 26, 1_800_000_000.25, b"\x0a\x00")
MICROSECONDS_A_SECOND = 1_000_000


def test_the_attributes_are_those_of_cloud_events_1_0() -> None:
    assert dict(headers_of(EVENT)) == {
        "ce_specversion": b"1.0",
        "ce_id": b"e" * 26,
        "ce_source": b"/matinee/control",
        "ce_type": b"dev.matinee.movie-played.v1",
        "ce_subject": b"a" * 26,
        "ce_time": b"2027-01-15T08:00:00.250000+00:00",
        "ce_dataschema": b"https://type.googleapis.com/matinee.v1.MoviePlayed",
        "content-type": b"application/json",
    }


def test_a_dead_letter_keeps_its_type_and_tells_its_reason() -> None:
    headers = dict(headers_of(Event("e" * 26, "movie-played.dead-letter", "k", 1.0, b"", "history: why")))
    assert (headers["ce_type"], headers["ce_reason"]) == (b"dev.matinee.movie-played.v1", b"history: why")


@given(
    event_id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    key=st.text(st.characters(exclude_categories=["Cs"])),
    microseconds=st.integers(0, 4_000_000_000 * MICROSECONDS_A_SECOND),
    data=st.binary(),
    reason=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_an_event_comes_back_from_its_headers(
    event_id: str, key: str, microseconds: int, data: bytes, reason: str
) -> None:
    event = Event(event_id, "movie-played", key, microseconds / MICROSECONDS_A_SECOND, data, reason)
    back = event_of(dict(headers_of(event)), event.topic, event.data)
    assert math.isclose(back.time, event.time, abs_tol=1e-6)
    assert (back.event_id, back.topic, back.key, back.data, back.reason) == (
        event_id,
        "movie-played",
        key,
        data,
        reason,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_specversion", b"0.3"),
        ("ce_specversion", b""),
        ("ce_id", b""),
        ("ce_source", b""),
        ("ce_type", b""),
        ("ce_time", b"yesterday"),
        ("ce_time", b"2027-01-15T08:00:00"),
        ("ce_subject", b"\xff"),
        ("content-type", b"application/protobuf"),
    ],
)
def test_headers_of_no_event_of_ours_are_refused(name: str, value: bytes) -> None:
    with pytest.raises(InvalidInput):
        event_of({**dict(headers_of(EVENT)), name: value}, EVENT.topic, EVENT.data)


def test_every_topic_names_its_message() -> None:
    for name, message in events_pb2.DESCRIPTOR.message_types_by_name.items():
        if topic := message.GetOptions().Extensions[events_pb2.topic]:
            assert message_name(topic) == name
