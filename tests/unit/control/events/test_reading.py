"""What is taken for an event, and why anything else is not."""

from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from control import event_data
from control.events.reading import read
from matinee.errors import InvalidInput
from protos.v1.events_pb2 import CmcdReport, MoviePaused, PlaybackMetrics, SubscriptionUpdated, UserAuthenticated

A, NOW = "a" * 26, 1_800_000_000
LATER = Timestamp(seconds=NOW + 1)


def again(message: Message) -> Message:
    return read(type(message), event_data.encoded(message), NOW)


def test_an_event_is_read_as_it_was_written() -> None:
    written = MoviePaused(account_id=A, position_seconds=7.5, time=Timestamp(seconds=NOW))
    assert again(written) == written


def test_what_is_to_come_may_be_told() -> None:
    assert again(SubscriptionUpdated(account_id=A, period_ends_at=LATER))


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"account_id": ""}, "account_id is not an id of this instance"),
        ({"title_id": "x" * 1_000_000}, "title_id is not an id of this instance"),
        ({"asset_id": "A"}, "asset_id is not the id of an asset"),
        ({"time": Timestamp(seconds=-1)}, "time is before 1970"),
        ({"time": LATER}, "it has not happened yet, by its time"),
        ({"position_seconds": float("nan")}, "position_seconds must be a number of seconds, 0 or more"),
        ({"duration_seconds": float("inf")}, "duration_seconds must be a number of seconds, 0 or more"),
        ({"watched_seconds": -1.0}, "watched_seconds must be a number of seconds, 0 or more"),
    ],
)
def test_what_cannot_be_true_is_refused_with_its_reason(told: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{reason}$"):
        again(MoviePaused(**{"account_id": A, **told}))


@pytest.mark.parametrize(("name", "longest"), [("method", 32), ("device", 100), ("address", 64)])
def test_a_text_is_as_long_as_there_is_room_for(name: str, longest: int) -> None:
    assert again(UserAuthenticated(account_id=A, **{name: "ä" * longest}))  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=f"{name} is longer than {longest} characters"):
        again(UserAuthenticated(account_id=A, **{name: "ä" * (longest + 1)}))  # type: ignore[arg-type]


def test_no_text_has_a_nought_in_it() -> None:
    with pytest.raises(InvalidInput, match="device has a character in it"):
        again(UserAuthenticated(account_id=A, device="Fire\0fox"))


@pytest.mark.parametrize(
    "report",
    [
        CmcdReport(received_at=LATER),
        CmcdReport(received_at=Timestamp(seconds=-1)),
        CmcdReport(state="p" * 1_000),
        CmcdReport(keys={"br": "9" * 10_000}),
        CmcdReport(keys={str(number): "1" for number in range(1_000)}),
    ],
)
def test_every_report_is_looked_at(report: CmcdReport) -> None:
    with pytest.raises(InvalidInput):
        again(PlaybackMetrics(session_id=A, reports=[CmcdReport(), report]))
