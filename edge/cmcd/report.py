"""CMCD reports: parsed and checked, without any I/O.

A report is a dictionary of structured fields (RFC 9651), however it came: as headers, as query argument, as a line of a
body. One that cannot be parsed, or is of a newer version, is refused as a whole (CTA-5004-B, section 6); of the others
each key stands for itself, and those that are unknown or have a value that they must not have are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import cast

from http_sf import DictionaryType, StructuredFieldError, Token, parse, ser

from edge.cmcd.keys import RESERVED, Member, bare, is_custom
from matinee.errors import InvalidInput

VERSION = 2
LONGEST_RECORD = 8_192
"""Bytes of one report; what the keys that we know need, twice over."""
MOST_PARTS = 300
"""Commas, semicolons and blanks of one report: what takes time to parse is many parts, and not long strings."""
MOST_CUSTOM = 16
MOST_RECORDS = 200
"""Most reports in one body."""


class Mode(Enum):
    """What made the player report (clause 2)."""

    REQUEST = "request"
    EVENT = "event"


class Malformed(InvalidInput):
    """Not a CMCD report, with what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Report:
    """One report. `timestamp` is of the player's clock, in Unix milliseconds, and 0 when it does not tell.

    `keys` are all that passed, each value as the text of a structured field; `event` and `state` are "" without one.
    """

    version: int
    mode: Mode
    timestamp: int
    event: str
    state: str
    keys: Mapping[str, str]


def parse_report(record: bytes, mode: Mode) -> Report:
    """Read one report. Raises `Malformed`."""
    members = _dictionary(record)
    version = _number(members, "v", 1)
    if version > VERSION:
        raise Malformed(f"CMCD version {version} is newer than the {VERSION} that is understood here")
    kept = {key: member for key, member in members.items() if key in RESERVED and RESERVED[key](member)}
    custom = [key for key, member in members.items() if key not in RESERVED and is_custom(key, member)]
    kept |= {key: members[key] for key in custom[:MOST_CUSTOM]}
    if mode is Mode.EVENT:
        _check_event(kept)
    keys = {key: _text(member) for key, member in kept.items()}
    return Report(max(version, 1), mode, _number(kept, "ts", 0), keys.get("e", ""), keys.get("sta", ""), keys)


def parse_records(body: bytes) -> tuple[list[bytes], int]:
    """The lines of a body that are events (clause 3.3), and how many others are in it: each stands for itself.

    Raises `Malformed` when no line is one.
    """
    lines = [line.strip() for line in body.strip().split(b"\n")]
    if len(lines) > MOST_RECORDS:
        raise Malformed(f"a body may hold {MOST_RECORDS} reports at most")
    events, faults = [], []
    for number, line in enumerate(lines, 1):
        try:
            parse_report(line, Mode.EVENT)
            events.append(line)
        except Malformed as error:
            faults.append(f"line {number} is not a CMCD event: {error}")
    if not events:
        raise Malformed(faults[0])
    return events, len(faults)


def _dictionary(record: bytes) -> DictionaryType:
    if len(record) > LONGEST_RECORD:
        raise Malformed(f"it is longer than {LONGEST_RECORD} bytes")
    if sum(map(record.count, b",; ")) > MOST_PARTS:
        raise Malformed(f"it has more than {MOST_PARTS} parts")
    try:
        members = cast("DictionaryType", parse(record.strip(), tltype="dictionary"))
    except StructuredFieldError as error:
        raise Malformed("it is not a dictionary of structured fields") from error
    if not members:
        raise Malformed("it is empty")
    return members


def _check_event(kept: Mapping[str, Member]) -> None:
    """What each event must have (clause 2.2); version 1 has no events."""
    for key in ("v", "e", "ts"):
        if key not in kept or (key == "v" and bare(kept[key]) != VERSION):
            raise Malformed(f"it has no valid {key}")


def _number(members: Mapping[str, Member], key: str, otherwise: int) -> int:
    value = bare(members[key]) if key in members else otherwise
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _text(member: Member) -> str:
    value = bare(member)
    if isinstance(value, bool):
        return "?1" if value else "?0"
    if isinstance(value, int | Token):  # most are: this is quicker
        return str(value)
    return ser(cast("DictionaryType", {"k": value})).removeprefix("k=")
