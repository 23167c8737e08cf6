"""Scripted players: what one would report of a playback session whose course is known."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

START_MS = 1_800_000_000_000


@dataclass
class ScriptedPlayer:
    """Writes down CMCD v2 events as it goes; its clock begins at `now`, in Unix milliseconds."""

    now: int = START_MS
    bitrate: int = 3_000
    """In kb/s."""
    dropped: int = 0
    """Frames, since the session began."""
    state: str = ""
    events: list[bytes] = field(default_factory=list)

    def enter(self, state: str, *more: str) -> None:
        """Change the state."""
        self.state = state
        self.say("ps", *more)

    def say(self, event: str, *more: str) -> None:
        """Report an event, with further keys."""
        keys = [
            f"br=({self.bitrate};v)", f"dfa={self.dropped}", f"e={event}", f"sn={len(self.events)}",
            'sid="any"', f"sta={self.state}", f"ts={self.now}", "v=2", *more,
        ]  # fmt: skip
        self.events.append(",".join(keys).encode())

    def stay(self, milliseconds: int, every: int = 10_000) -> None:
        """Stay in the state, and say so regularly."""
        end = self.now + milliseconds
        while self.now + every < end:
            self.now += every
            self.say("t")
        self.now = end

    def run(self, course: Iterable[tuple[str, int]]) -> Sequence[bytes]:
        """Enter each state and stay there for so many milliseconds; then tell of the end. Gives all events."""
        for state, milliseconds in course:
            self.enter(state)
            self.stay(milliseconds)
        self.enter("e")
        return self.events


def in_disorder(events: Sequence[bytes], chance: random.Random, reach: int = 20) -> list[bytes]:
    """The same events, each up to `reach` places from where it belongs, and some of them twice."""
    again = [event for event in events if chance.random() < 0.3]
    places = [(events.index(event) + chance.uniform(0, reach), event) for event in (*events, *again)]
    return [event for _, event in sorted(places)]
