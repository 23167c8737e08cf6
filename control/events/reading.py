"""Reading events: whoever can write to the bus can write anything there, and what cannot be true is refused.

It is refused for good, with a sentence: no second try would make it true, or have the database take it.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from control import event_data, inputs
from matinee.errors import InvalidInput
from protos.v1 import events_pb2

Kind = TypeVar("Kind", bound=Message)

OURS: Mapping[str, Callable[[str], str]] = {
    **{name: partial(inputs.identifier, name) for name in ("account_id", "title_id", "session_id", "subscription_id")},
    "asset_id": inputs.asset_id,
}
"""Ids that we have made."""
LONGEST = {"method": 32, "device": 100, "address": 64}
"""Texts that are kept, as their tables have room for them."""
LONGEST_TEXT = 200
LONGEST_VALUE = 8_192
MOST_KEYS = 100
HAPPENED = frozenset({"time", "received_at"})
"""Times of what has happened; others may be to come."""


def read(kind: type[Kind], data: bytes, latest: float = math.inf) -> Kind:
    """The message of an event that had happened by `latest`, in Unix seconds. Raises `InvalidInput` for any other."""
    message = event_data.decoded(kind, data)
    key = kind.DESCRIPTOR.GetOptions().Extensions[events_pb2.key]
    inputs.identifier(key, getattr(message, key))
    _check(message, latest)
    return message


def _check(message: Message, latest: float) -> None:
    for field, value in message.ListFields():
        if isinstance(value, str):
            _check_text(field.name, value)
        elif isinstance(value, float):
            inputs.seconds(field.name, value)
        elif isinstance(value, Timestamp):
            _check_moment(field.name, value, latest)
        elif isinstance(value, Mapping):
            _check_keys(value)
        elif field.is_repeated:
            for each in value:
                _check(each, latest)


def _check_text(name: str, value: str) -> None:
    if name in OURS:
        OURS[name](value)
    elif len(value) > (longest := LONGEST.get(name, LONGEST_TEXT)):
        raise InvalidInput(f"{name} is longer than {longest} characters")
    elif "\0" in value:
        raise InvalidInput(f"{name} has a character in it that no database keeps")


def _check_moment(name: str, value: Timestamp, latest: float) -> None:
    if value.seconds < 0:
        raise InvalidInput(f"{name} is before 1970")
    if name in HAPPENED and value.seconds > latest:
        raise InvalidInput("it has not happened yet, by its time")


def _check_keys(keys: Mapping[str, str]) -> None:
    """Those of a report, whose values are texts of structured fields."""
    if len(keys) > MOST_KEYS or any(len(value) > LONGEST_VALUE for value in keys.values()):
        raise InvalidInput(f"a report has more than {MOST_KEYS} keys, or a value is longer than {LONGEST_VALUE}")
