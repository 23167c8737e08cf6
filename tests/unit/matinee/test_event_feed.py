"""The feed behind `matinee events tail`: each event once, whatever becomes of its streams."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import pytest

from matinee.cli.api import POLL_SECONDS, Answer
from matinee.cli.events import Feed

SECOND = "2026-11-27T14:00:00Z"


def event(event_id: str, topic: str = "movie-paused", reason: str = "") -> Answer:
    return {"event_id": event_id, "topic": topic, "key": "k", "time": SECOND, "data": "{}", "reason": reason}


class CannedApi:
    """Gives these streams, one after the other."""

    def __init__(self, *streams: list[Answer]) -> None:
        self._streams = list(streams)

    @contextmanager
    def following(self, path: str, **query: Any) -> Iterator[Iterator[Answer]]:
        assert self._streams, "another stream is opened"
        yield iter(self._streams.pop(0))


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited each time; nobody does."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


def shown(number: int, *streams: list[Answer]) -> list[tuple[str, str, str]]:
    """Topic, id and reason of the first events that a person sees."""
    feed = Feed(CannedApi(*streams), [], from_beginning=True)  # type: ignore[arg-type]
    return [(each["topic"], each["event_id"], each["reason"]) for each in islice(feed.events(), number)]


@pytest.mark.usefixtures("pauses")
def test_an_event_that_comes_again_is_shown_once() -> None:
    told = shown(3, [event("a"), event("a"), event("b")], [event("b"), event("c")])
    assert [event_id for _, event_id, _ in told] == ["a", "b", "c"]


@pytest.mark.usefixtures("pauses")
def test_a_dead_letter_is_shown_beside_its_event_also_in_the_next_stream() -> None:
    buried = [event("a", "movie-paused.dead-letter", f"{group}: why") for group in ("history", "statistics")]
    assert [reason for _, _, reason in shown(3, [event("a")], buried)] == ["", "history: why", "statistics: why"]


def test_there_is_a_pause_before_a_stream_that_ended_is_opened_again(pauses: list[float]) -> None:
    shown(1, [], [], [event("a")])
    assert pauses == [POLL_SECONDS] * 2
