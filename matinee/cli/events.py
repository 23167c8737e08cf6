"""`matinee events tail`: what happens, as it happens."""

import json
from datetime import datetime
from typing import Annotated

import typer

from matinee.cli.api import Answer
from matinee.cli.credential import open_api
from matinee.cli.options import Data, Json, settings_with
from matinee.errors import PermissionDenied

Topics = Annotated[list[str] | None, typer.Option("--topic", help="Only events of this topic; may be repeated.")]
FromBeginning = Annotated[bool, typer.Option("--from-beginning", help="Begin with the oldest event that is kept.")]
TOPIC_WIDTH = 24
KEY_WIDTH = 26


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    events = typer.Typer()
    events.command("tail")(tail)
    app.add_typer(events, name="events", help="Look at what happens.")


def tail(topic: Topics = None, from_beginning: FromBeginning = False, data: Data = None, as_json: Json = False) -> None:
    """Print events as they happen, one a line, until Ctrl-C. For administrators."""
    with open_api(settings_with(data)) as api:
        while True:  # a stream ends with its access token, and when control or the edge is started anew
            try:
                for event in api.follow("/events:tail", topics=topic or [], from_beginning=from_beginning):
                    print(json.dumps(parsed(event)) if as_json else line(event), flush=True)
            except PermissionDenied as error:
                raise PermissionDenied("only administrators may look at events: sign in as one") from error
            from_beginning = False


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
