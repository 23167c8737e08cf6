"""What a worker does: a function that came from afar is called, told to stop, and tells how far it is.

It is called within the request and the trace of whoever wants it, so that logs and spans of all machines come together.

The stop comes as Dask's wish to forget the work, which is what it does when whoever waits for it cancels it, dies or
is cut off, and when the worker ends. What is told goes as an event of a topic, to which the client has subscribed.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dask.typing import Key
from distributed import Worker, WorkerPlugin, get_worker
from typing_extensions import override

from matinee.errors import Cancelled
from matinee.telemetry import request_ids, traces

NAME = "matinee"


@dataclass(frozen=True)
class Origin:
    """Where work comes from: the client's topic, what the work is called there, its request and span (W3C)."""

    topic: str
    work: str
    request_id: str
    traceparent: str


class Station(WorkerPlugin):
    """What a worker has at hand for all that it does; and it knows what of that nobody wants any more."""

    name = NAME

    def __init__(self, equipment: object) -> None:
        self.equipment = equipment
        self._unwanted: defaultdict[Key, threading.Event] = defaultdict(threading.Event)

    def begin(self, key: Key) -> threading.Event:
        """Set once the work of this key shall stop."""
        return self._unwanted[key]

    def end(self, key: Key) -> None:
        """The work has ended."""
        del self._unwanted[key]

    @override
    def transition(self, key: Key, start: str, finish: str, **kwargs: Any) -> None:
        """Work that leaves its execution is done, or unwanted."""
        if start == "executing" and key in self._unwanted:
            self._unwanted[key].set()

    @override
    def teardown(self, worker: Worker) -> None:
        """A worker that ends stops what it does."""
        for unwanted in list(self._unwanted.values()):
            unwanted.set()


def equipment() -> Any:
    """What the worker that runs the calling function was started with."""
    return _station().equipment


def perform(origin: Origin, function: Callable[..., Any], arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """Call a function in a worker, with `check` and `on_seconds` beside its arguments."""
    worker, station = get_worker(), _station()
    key = worker.get_current_task()
    unwanted = station.begin(key)

    def tell(**news: float) -> None:
        worker.log_event(origin.topic, {"work": origin.work, **news})

    def check() -> None:
        if unwanted.is_set():
            raise Cancelled("the work was cancelled")

    tell(running=True)
    try:
        with request_ids.within(origin.request_id), traces.span("perform", parent=origin.traceparent):
            return function(*arguments, check=check, on_seconds=lambda seconds: tell(seconds=seconds), **named)
    finally:
        station.end(key)
        tell(running=False)


def _station() -> Station:
    station = get_worker().plugins[NAME]
    assert isinstance(station, Station)
    return station
