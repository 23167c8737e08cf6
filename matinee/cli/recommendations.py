"""`matinee recommendations`: how they were learnt last, and to have them learnt anew."""

import json
import time
from typing import Annotated

import typer
from rich.markup import escape

from matinee.cli.api import POLL_SECONDS, Answer
from matinee.cli.credential import open_api
from matinee.cli.options import Data, Json, pass_on, settings_with
from matinee.cli.tables import Column, console, moment, show, table
from matinee.errors import MatineeError

Wait = Annotated[bool, typer.Option("--wait", help="Until it has ended.")]
PATH = "/recommendations/training"
WORDS = {
    "TRAINING_STATE_UNSPECIFIED": "never",
    "TRAINING_STATE_RUNNING": "running",
    "TRAINING_STATE_DONE": "done",
    "TRAINING_STATE_FAILED": "failed",
}
COLUMNS = (
    Column("TRAINING"),
    Column("BEGUN", leaves=2),
    Column("ENDED", leaves=1),
    Column("ACCOUNTS"),
    Column("TITLES"),
    Column("MESSAGE", prose=True),
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    recommendations = typer.Typer(invoke_without_command=True)
    recommendations.callback()(look)
    recommendations.command("train")(train)
    app.add_typer(
        recommendations, name="recommendations", help="Look at how recommendations were learnt, or have it done anew."
    )


def look(context: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """Look at how recommendations were learnt, or have it done anew. For administrators."""
    if context.invoked_subcommand:
        pass_on(context)
        return
    with open_api(settings_with(data)) as api:
        _tell(api.call("GET", PATH)["training"], as_json=as_json)


def train(*, wait: Wait = False, data: Data = None, as_json: Json = False) -> None:
    """Have recommendations learnt anew from what was watched; one that goes on already counts."""
    with open_api(settings_with(data)) as api:
        training = api.call("POST", "/recommendations:train", {})["training"]
        while wait and _word(training) == "running":
            time.sleep(POLL_SECONDS)
            training = api.ask(PATH)["training"]
    if _word(training) == "failed":
        raise MatineeError(f"recommendations could not be learnt: {training['message']}")
    _tell(training, as_json=as_json)


def _tell(training: Answer, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(training | {"state": _word(training)}))
        return
    row = (
        _word(training),
        moment(training.get("begun_at")),
        moment(training.get("ended_at")),
        f"{training['accounts']:,}",
        f"{training['titles']:,}",
        escape(training["message"]),
    )
    screen = console()
    show(screen, table(COLUMNS, [row], screen))


def _word(training: Answer) -> str:
    return WORDS[training["state"]]
