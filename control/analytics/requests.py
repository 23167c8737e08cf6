"""What requests tell of a playback session whose player sends no events: an approximation (CTA-5004, version 1).

Requests come when the buffer has room, so that nothing is known of what happens between two of them. Played is taken to
be what the buffer held at the first, and the object that it brought, but no more than the time between them. A request
with `bs` tells of one stall since the last one: the buffer had run dry when what was in it was played, and went on at
about this request. `bsd` and `msd` (version 2) say exactly what this can only guess. They are claims of the viewer's:
all stalls together are no longer than the edge saw pass since the first request.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

MOST_STALLS = 1_000
SILENCE_MS = 60_000
"""What a request without `bl` and `d` is believed to have been played after it, at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: times in milliseconds of the edge's clock or lengths, `bitrate` in bits per second; -1: not said."""

    taken: float
    buffered: int = -1
    duration: int = -1
    bitrate: int = -1
    starved: bool = False
    starvations: tuple[int, ...] = ()
    startup: int = -1
    errors: int = 0
    dropped: int = -1


@dataclass(slots=True)
class Requests:
    """The requests of one playback session, added up in the order in which the edge took them."""

    first: float = -1
    last: float = -1
    stock: float = -1
    """What the player had left to play at the last request, its answer included; -1: not known."""
    dry: float = 0
    """For how long it has had nothing."""
    bitrate: int = -1
    startup: float = -1
    played: float = 0
    rebuffered: float = 0
    bits: int = 0
    bits_time: int = 0
    changes: int = 0
    errors: int = 0
    dropped: int = 0
    started: bool = False
    stall_count: int = 0
    stalls: list[list[float]] = field(default_factory=list)

    def add(self, asked: Asked) -> None:
        """Take the next request; one that was taken before changes nothing."""
        if asked.taken <= self.last:
            return
        if self.first < 0:
            self.first = self.last = asked.taken
        self._pass(asked)
        self._start(asked)
        self._switch(asked)
        self.last = asked.taken
        self.errors += asked.errors
        self.dropped = max(self.dropped, asked.dropped)

    def _pass(self, asked: Asked) -> None:
        elapsed = asked.taken - self.last
        playable = min(elapsed, self.stock if self.stock >= 0 else SILENCE_MS)
        self.dry += elapsed - playable
        lengths: list[float] = [*asked.starvations] or [self.dry] * asked.starved
        for length in lengths:
            self._stall(asked.taken, length)
            self.dry = 0
        if self.started:
            self.played += playable
        if self.stock >= 0:
            self.stock -= playable
        if asked.buffered >= 0:
            self.stock, self.dry = asked.buffered + max(asked.duration, 0), 0

    def _stall(self, ended: float, told: float) -> None:
        length = min(told, ended - self.first - self.rebuffered)
        if length <= 0 < told:
            return
        began = ended - length
        self.rebuffered += length
        self.stall_count += 1
        if len(self.stalls) < MOST_STALLS:
            self.stalls.append([max(0, began - self.first), length])

    def _start(self, asked: Asked) -> None:
        if asked.startup >= 0:
            self.startup = asked.startup
        if not self.started and asked.buffered > 0:
            self.started = True
            if self.startup < 0:
                self.startup = asked.taken - self.first

    def _switch(self, asked: Asked) -> None:
        if asked.bitrate < 0:
            return
        weight = max(asked.duration, 1)
        self.bits += asked.bitrate * weight
        self.bits_time += weight
        self.changes += self.bitrate not in {-1, asked.bitrate}
        self.bitrate = asked.bitrate

    def stored(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return asdict(self)

    @classmethod
    def restored(cls, stored: dict[str, Any]) -> "Requests":
        """What `stored` has put away."""
        return cls(**stored)
