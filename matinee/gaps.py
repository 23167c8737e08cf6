"""What retention removed before a consumer group took it: told once in the log, and counted."""

from collections import Counter

import structlog

log = structlog.get_logger()


class Gaps:
    """Those that one event bus has found."""

    def __init__(self) -> None:
        self._events = Counter[tuple[str, str]]()

    def note(self, group: str, topic: str, positions: range, *, events: int, partition: int = 0) -> None:
        """Tell of events that lay at these positions of a partition."""
        self._events[group, topic] += events
        log.warning(
            "retention removed events before they were taken",
            group=group,
            topic=topic,
            partition=partition,
            first=positions.start,
            last=positions.stop - 1,
            events=events,
        )

    def events(self, group: str, topic: str) -> int:
        """How many events of a topic a group has missed, as far as this bus knows."""
        return self._events[group, topic]
