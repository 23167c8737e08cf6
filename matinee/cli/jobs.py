"""`matinee jobs`: the work on uploads, live on a terminal."""

import json
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar

from matinee.cli.api import Answer, Api
from matinee.cli.credential import open_api
from matinee.cli.options import Data, Json, pass_on, plain_id, settings_with
from matinee.cli.tables import STATES, Column, console, moment, plain, show, stage_word, table

JobId = Annotated[str, typer.Argument(callback=plain_id, help="As `matinee jobs` shows it.")]
ACTIVE = {"JOB_STATE_QUEUED", "JOB_STATE_RUNNING"}
CANCELLING = "[yellow]cancelling[/]"
REFRESH_SECONDS = 0.5
COLUMNS = (
    Column("JOB"),
    Column("TITLE", prose=True, leaves=5),
    Column("STATE"),
    Column("STAGE", leaves=2),
    Column("PROGRESS", leaves=3),
    Column("DONE"),
    Column("UPDATED", leaves=1),
    Column("MESSAGE", prose=True, leaves=4),
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    jobs = typer.Typer(invoke_without_command=True)
    jobs.callback()(list_jobs)
    jobs.command("cancel")(cancel)
    jobs.command("retry")(retry)
    app.add_typer(jobs, name="jobs", help="Look at the jobs, cancel one, or try one again.")


def list_jobs(context: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """Look at the jobs, cancel one, or try one again."""
    if context.invoked_subcommand:
        pass_on(context)
        return
    with open_api(settings_with(data)) as api:
        jobs = list(api.pages("/jobs", "jobs"))
        screen = console()
        if as_json:
            print(json.dumps([*map(plain, jobs)], indent=2))
        elif screen.is_terminal and _active(jobs):
            _follow(api, jobs, screen)
        else:
            show(screen, table(COLUMNS, map(row, jobs), screen))


def cancel(job_id: JobId, data: Data = None, as_json: Json = False) -> None:
    """Stop the work on an upload."""
    with open_api(settings_with(data)) as api:
        job = api.call("POST", f"/jobs/{job_id}:cancel", {})["job"]
    done = f"Cancelling {job_id}: its worker stops." if job.get("cancel_requested") else f"Cancelled {job_id}."
    print(json.dumps(plain(job)) if as_json else done)


def retry(job_id: JobId, data: Data = None, as_json: Json = False) -> None:
    """Queue a failed or cancelled job again; what it had finished is kept. Not for a film that was refused."""
    with open_api(settings_with(data)) as api:
        job = api.call("POST", f"/jobs/{job_id}:retry", {})["job"]
    print(json.dumps(plain(job)) if as_json else f"Queued {job_id} again.")


def _follow(api: Api, jobs: Sequence[Answer], screen: Console) -> None:
    with Live(live_view(jobs, screen), console=screen, auto_refresh=False) as live:
        while _active(jobs):
            time.sleep(REFRESH_SECONDS)
            jobs = list(api.pages("/jobs", "jobs"))
            live.update(live_view(jobs, screen), refresh=True)


def _active(jobs: Sequence[Answer]) -> bool:
    return any(job["state"] in ACTIVE for job in jobs)


def live_view(jobs: Sequence[Answer], screen: Console) -> RenderableType:
    """The newest jobs, one a line, as many as the screen is high, and how many more there are."""
    lines = max(screen.height - 2, 1)  # a head above them, and a line below
    newest = table(COLUMNS, map(row, jobs[:lines]), screen, folded=False)
    return Group(newest, f"and {len(jobs) - lines} more") if len(jobs) > lines else newest


def row(job: Answer) -> tuple[RenderableType, ...]:
    """A job in the columns of the table."""
    return (
        job["job_id"],
        escape(job["title_name"]),
        CANCELLING if job.get("cancel_requested") else STATES[job["state"]],
        stage_word(job),
        ProgressBar(total=1.0, completed=job["progress"], width=20),
        f"{job['progress']:4.0%}",
        moment(job.get("updated_at")),
        escape(told(job, time.time())),
    )


def told(job: Answer, now: float) -> str:
    """Why a job has ended or waits; while it waits also since when, and when it is tried again."""
    said: list[str] = []
    if since := job.get("waits_since"):
        said.append(f"waits since {moment(since)}")
    if due := job.get("due_at"):
        later = datetime.fromisoformat(due).timestamp() > now
        said.append(f"next try {moment(due) if later else 'as soon as a worker can'}")
    return f"{job['message']} ({', '.join(said)})" if said else str(job["message"])
