"""The time of a playback session, state by state, of what its player's events say (CTA-5004-B, keys e, sta and ts).

    state of the player                         what its time is (CTA-2066)
    starting, waiting, before the first picture start-up
    playing                                     played
    rebuffering                                 a stall, unless it began in start-up or while seeking
    seeking, paused, preloading, ended          nothing

Everything is ordered by the player's clock, which need not agree with ours, and then by sequence number. The latest
WINDOW events stay open: one that comes late finds its place among them, and one that comes twice changes nothing. What
is older is settled, and events before it come too late.

The player's clock is the viewer's, who may have it say what they like. So no more counts than can have passed since the
session began, by the edge's clock; and a player's clock that somebody sets right may be wrong by one silence.
"""

from bisect import insort
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass, field
from typing import Any

WINDOW = 64
LONGEST_SILENCE_MS = 600_000
"""Two events further apart leave unknown what was between; a player that is at work says so every 30 s (key e, t)."""
MOST_STALLS = 1_000
UNTOLD_MS = 10**15
"""As if a session had lasted for ever."""
SEEKING, STARTING, PLAYING, REBUFFERING, QUIT = "k", "s", "p", "r", "q"
ENDS = {"e": "completed", QUIT: "quit", "f": "failed"}


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """One event: times in milliseconds of the player's clock, `bitrate` in bits per second; -1: it does not say.

    `errors` is how many errors it tells of; `dropped` how many frames were dropped since the session began. `lasted`:
    so long may the session have lasted when the edge took it.
    """

    timestamp: int
    sequence: int = -1
    event: str = ""
    state: str = ""
    bitrate: int = -1
    startup: int = -1
    errors: int = 0
    dropped: int = -1
    lasted: int = field(default=UNTOLD_MS, compare=False)


@dataclass(slots=True)
class Tally:
    """What moments in order add up to; all times in milliseconds."""

    first: int = -1
    last: int = -1
    sequence: int = -1
    state: str = ""
    bitrate: int = -1
    asked: int = -1
    startup: int = -1
    played: int = 0
    rebuffered: int = 0
    bits: int = 0
    bits_time: int = 0
    changes: int = 0
    errors: int = 0
    dropped: int = 0
    ended: str = ""
    started: bool = False
    stall_count: int = 0
    stalls: list[list[float]] = field(default_factory=list)
    """Of the first ones: when each began after the first moment, and how long it was."""

    def add(self, moment: Moment) -> None:
        """Take the next moment."""
        if self.first < 0:
            self.first = moment.timestamp
        else:
            self._pass(moment.timestamp - self.last, moment.lasted)
        self.last, self.sequence = moment.timestamp, moment.sequence
        self.errors += moment.errors
        self.dropped = max(self.dropped, moment.dropped)
        if moment.startup >= 0:
            self.startup = moment.startup
        if moment.state:
            self._enter(moment.state, moment.lasted)
        if moment.bitrate >= 0:
            self.changes += self.bitrate not in {-1, moment.bitrate}
            self.bitrate = moment.bitrate

    def _pass(self, elapsed: int, lasted: int) -> None:
        if elapsed > LONGEST_SILENCE_MS:
            return
        elapsed = min(elapsed, max(0, lasted + LONGEST_SILENCE_MS - self.played - self.rebuffered))
        if self.state == PLAYING:
            self.played += elapsed
            self.bits += max(self.bitrate, 0) * elapsed
            self.bits_time += elapsed if self.bitrate >= 0 else 0
        elif self.state == REBUFFERING:
            self.rebuffered += elapsed
            if self.stall_count == len(self.stalls):
                self.stalls[-1][1] += elapsed

    def _enter(self, state: str, lasted: int) -> None:
        if state == REBUFFERING and (not self.started or self.state == SEEKING):
            return
        if state == REBUFFERING != self.state:
            self._stall()
        if state == STARTING and self.asked < 0:
            self.asked = self.last
        if state == PLAYING and not self.started:
            self.started = True
            if self.startup < 0 <= self.asked:
                self.startup = min(self.last - self.asked, lasted)
        self.state = state
        left_unasked = state == QUIT and self.asked < 0 and not self.started
        self.ended = "" if left_unasked else ENDS.get(state, "")

    def _stall(self) -> None:
        self.stall_count += 1
        if len(self.stalls) < MOST_STALLS:
            self.stalls.append([self.last - self.first, 0])


class Timeline:
    """The events of one playback session."""

    def __init__(self, settled: Tally | None = None, latest: Iterable[Moment] = ()) -> None:
        self._settled = settled or Tally()
        self._latest = list(latest)

    def add(self, moment: Moment) -> None:
        """Take an event, in any order, once or more often."""
        settled = (self._settled.last, self._settled.sequence)
        if moment in self._latest or (moment.timestamp, moment.sequence) <= settled:
            return
        insort(self._latest, moment)
        if len(self._latest) > WINDOW:
            self._settled.add(self._latest.pop(0))

    def tally(self) -> Tally:
        """What all events so far add up to."""
        tally = Tally(**asdict(self._settled))
        for moment in self._latest:
            tally.add(moment)
        return tally

    def stored(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {"settled": asdict(self._settled), "latest": [astuple(moment) for moment in self._latest]}

    @classmethod
    def restored(cls, stored: dict[str, Any]) -> "Timeline":
        """What `stored` has put away."""
        return cls(Tally(**stored["settled"]), [Moment(*values) for values in stored["latest"]])
