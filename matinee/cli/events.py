"""`matinee events tail`: what happens, as it happens."""

import json
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated

import typer

from matinee.cli.api import PATIENCE_SECONDS, POLL_SECONDS, Answer, Api
from matinee.cli.credential import open_api
from matinee.cli.options import Data, Json, settings_with
from matinee.errors import PermissionDenied, Unavailable

Topics = Annotated[list[str] | None, typer.Option("--topic", help="Only events of this topic; may be repeated.")]
FromBeginning = Annotated[bool, typer.Option("--from-beginning", help="Begin with the oldest event that is kept.")]
TOPIC_WIDTH = 24
KEY_WIDTH = 26
Identity = tuple[str, str, str]
OVERLAP = timedelta(seconds=60)
"""Events do not come in the order of their times; none that comes is so much older than the newest before it, for each
has the time at which it was written, whatever it tells of."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    events = typer.Typer()
    events.command("tail")(tail)
    app.add_typer(events, name="events", help="Look at what happens.")


def tail(topic: Topics = None, from_beginning: FromBeginning = False, data: Data = None, as_json: Json = False) -> None:
    """Print events as they happen, one a line, until Ctrl-C. For administrators."""
    with open_api(settings_with(data)) as api:
        feed = Feed(api, topic or [], from_beginning=from_beginning)
        try:
            for event in feed.events():
                print(json.dumps(parsed(event)) if as_json else line(event), flush=True)
        except PermissionDenied as error:
            raise PermissionDenied("only administrators may look at events: sign in as one") from error


class Feed:
    """Events, each once, also when a stream ends with its access token, or its instance is started again."""

    def __init__(self, api: Api, topics: Sequence[str], *, from_beginning: bool) -> None:
        self._api = api
        self._query: dict[str, str | bool | Sequence[str]] = {"topics": topics, "from_beginning": from_beginning}
        self._latest: deque[tuple[datetime, Identity]] = deque()
        self._seen: set[Identity] = set()

    def events(self) -> Iterator[Answer]:
        """Events without end. Raises `Unavailable` when the instance cannot be reached, or stays away."""
        deadline = time.monotonic()
        while True:
            opened = False
            try:
                with self._api.following("/events:tail", **self._query) as events:
                    opened = True
                    yield from self._fresh(events)
            except Unavailable:
                if not opened and time.monotonic() > deadline:
                    raise
            if opened:
                deadline = time.monotonic() + PATIENCE_SECONDS
            time.sleep(POLL_SECONDS)

    def _fresh(self, events: Iterable[Answer]) -> Iterator[Answer]:
        for event in events:
            if identity(event) not in self._seen:
                self._note(event)
                yield event

    def _note(self, event: Answer) -> None:
        """Remember an event, and from when on others would have to be asked for."""
        at = datetime.fromisoformat(event["time"])
        self._latest.append((at, identity(event)))
        self._seen.add(identity(event))
        while self._latest[0][0] < at - OVERLAP:
            self._seen.remove(self._latest.popleft()[1])
        self._query |= {"from_beginning": False, "since": self._latest[0][0].isoformat()}


def identity(event: Answer) -> Identity:
    """What tells events apart: a dead letter has the id of its event, and there is one for each group that fails."""
    return event["topic"], event["event_id"], event["reason"]


def parsed(event: Answer) -> Answer:
    """An event as scripts read it: with its data as JSON, and not as a text that is JSON."""
    return {name: value for name, value in event.items() if value} | {"data": json.loads(event["data"])}


def line(event: Answer) -> str:
    """An event as people read it: time of day, topic, key and data; for a dead letter the reason too."""
    time = datetime.fromisoformat(event["time"]).astimezone().strftime("%H:%M:%S")
    reason = f"  {event['reason']}" if event["reason"] else ""
    return _printable(f"{time}  {event['topic']:{TOPIC_WIDTH}}  {event['key']:{KEY_WIDTH}}  {event['data']}{reason}")


def _printable(text: str) -> str:
    """Without what a terminal would obey: titles and devices are named by others."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
