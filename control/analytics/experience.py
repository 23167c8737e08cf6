"""The quality of experience of one playback session, of what its player reported (in the terms of CTA-2066).

What a player says of its states as events is exact, and counts. Where it sends requests with CMCD and no events, these
give an approximation. So every report changes a small state, which can be stored; and reports that come twice, or late
by a little, change nothing that they should not.

Whoever watches can have a player report what they like, and it counts for everybody's figures. So no claim counts for
more than can have happened since the session began, by the clock of the edge that took it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from http_sf import parse

from control.analytics.requests import Asked, Requests
from control.analytics.timeline import Moment, Tally, Timeline
from matinee.errors import InvalidInput
from protos.v1.events_pb2 import CmcdReport

CLOCKS_DIFFER_SECONDS = 5.0
"""By so much the clock of an edge may be behind that of the control that began the session."""
LONGEST_SECONDS = 30 * 86_400
"""What a session can have lasted, whenever it says that it began."""
HIGHEST_KILOBITS = 1_000_000
"""In a second; no film has more."""
FRAME_RATE = 240
"""Frames that a device can have dropped in a second, at most."""
PICTURES = ("", "v", "av")
"""Objects whose bitrate and buffer are those of the picture: the key ot, or a parameter of an inner list."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a session played. `stalls` are the first ones: start, in seconds from the first report, and length.

    `startup_seconds` is None when it is not known, `average_bitrate` in bits per second and 0 when it is not known.
    """

    startup_seconds: float | None
    played_seconds: float
    rebuffer_seconds: float
    stall_count: int
    stalls: tuple[tuple[float, float], ...]
    average_bitrate: float
    rung_changes: int
    errors: int
    dropped_frames: int
    ended: str
    started: bool


class Experience:
    """What a session's reports add up to, so far."""

    def __init__(self, timeline: Timeline | None = None, requests: Requests | None = None) -> None:
        self._timeline = timeline or Timeline()
        self._requests = requests or Requests()

    def add(self, report: CmcdReport, began: float = 0.0) -> None:
        """Take one report of a session, which began then: in Unix seconds, and 0 when it is not known.

        Raises `InvalidInput` for one whose keys are no structured fields.
        """
        lasted = round(1_000 * min(max(0, _taken(report) - began + CLOCKS_DIFFER_SECONDS), LONGEST_SECONDS))
        if report.mode == "event":
            self._timeline.add(_moment(report, lasted))
        else:
            self._requests.add(_asked(report, lasted))

    def quality(self) -> Quality:
        """The figures."""
        told, requests = self._timeline.tally(), self._requests
        source = told if told.state else requests
        rated = source if source.bits_time else requests
        failed = told.ended == "failed"
        return Quality(
            startup_seconds=source.startup / 1000 if source.startup >= 0 else None,
            played_seconds=source.played / 1000,
            rebuffer_seconds=source.rebuffered / 1000,
            stall_count=source.stall_count,
            stalls=_seconds(source),
            average_bitrate=rated.bits / rated.bits_time if rated.bits_time else 0.0,
            rung_changes=rated.changes,
            errors=max(told.errors, requests.errors, int(failed)),
            dropped_frames=max(told.dropped, requests.dropped),
            ended=told.ended,
            started=source.started,
        )

    def stored(self) -> str:
        """All of it as text."""
        stored = {"timeline": self._timeline.stored(), "requests": self._requests.stored()}
        return json.dumps(stored, separators=(",", ":"))

    @classmethod
    def restored(cls, text: str) -> "Experience":
        """What `stored` has put away; nothing, for an empty text."""
        if not text:
            return cls()
        stored = json.loads(text)
        return cls(Timeline.restored(stored["timeline"]), Requests.restored(stored["requests"]))


def _seconds(source: Tally | Requests) -> tuple[tuple[float, float], ...]:
    return tuple((start / 1000, length / 1000) for start, length in source.stalls)


def _taken(report: CmcdReport) -> float:
    """When the edge took it, in Unix seconds."""
    return report.received_at.ToMicroseconds() / 1_000_000


def _moment(report: CmcdReport, lasted: int) -> Moment:
    return Moment(
        timestamp=report.timestamp,
        sequence=_integer(report, "sn"),
        event=report.event,
        state=report.state,
        bitrate=_bitrate(report),
        startup=min(_integer(report, "msd"), lasted),
        errors=max(len(_items(report, "ec")), int(report.event == "e")),
        dropped=_dropped(report, lasted),
        lasted=lasted,
    )


def _asked(report: CmcdReport, lasted: int) -> Asked:
    of_picture = report.keys.get("ot", "") in PICTURES
    return Asked(
        taken=1_000 * _taken(report),
        buffered=_integer(report, "bl") if of_picture else -1,
        duration=_integer(report, "d") if of_picture else -1,
        bitrate=_bitrate(report) if of_picture else -1,
        starved=report.keys.get("bs") == "?1",
        starvations=tuple(value for value, _ in _items(report, "bsd") if isinstance(value, int) and value > 0),
        startup=min(_integer(report, "msd"), lasted),
        errors=len(_items(report, "ec")),
        dropped=_dropped(report, lasted),
    )


def _dropped(report: CmcdReport, lasted: int) -> int:
    return min(_integer(report, "dfa"), FRAME_RATE * lasted // 1_000)


def _bitrate(report: CmcdReport) -> int:
    """What is shown (pb), or else chosen (br), in bits per second: of the picture, where several are told apart."""
    kilobits = next((value for key in ("pb", "br") if (value := _integer(report, key)) >= 0), -1)
    return min(kilobits, HIGHEST_KILOBITS) * 1000 if kilobits >= 0 else -1


def _integer(report: CmcdReport, key: str) -> int:
    """The value of a key, of the picture where it has several; -1 when there is none."""
    values = _integers(report, key)
    return next((values[kind] for kind in PICTURES if kind in values), -1)


def _integers(report: CmcdReport, key: str) -> dict[str, int]:
    """The values of a key by the type of object that each is of."""
    found = {next(iter(parameters), ""): value for value, parameters in _items(report, key)}
    return {kind: value for kind, value in found.items() if isinstance(value, int)}


def _items(report: CmcdReport, key: str) -> list[tuple[object, Mapping[str, object]]]:
    """The members of a key's inner list, or its only value."""
    if key not in report.keys:
        return []
    try:
        [(value, parameters)] = cast("list[Any]", parse(report.keys[key].encode(), tltype="list"))
    except ValueError as error:
        raise InvalidInput(f"the key {key} of a report is no structured field") from error
    return value if isinstance(value, list) else [(value, parameters)]
