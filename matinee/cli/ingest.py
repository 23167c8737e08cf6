"""`matinee ingest`: upload films, and wait for them to be published."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from ingest.upload import upload
from matinee.cli.api import POLL_SECONDS, Answer, Api
from matinee.cli.credential import open_api
from matinee.cli.options import Data, Json, plain_id, settings_with
from matinee.cli.state import state_directory
from matinee.cli.tables import state_word
from matinee.errors import Cancelled, InvalidInput, SourceRefused

Files = Annotated[list[Path], typer.Argument(help="Films to upload.")]
Title = Annotated[str | None, typer.Option(help="Name of the title; default: the file's name.")]
TitleId = Annotated[
    str | None, typer.Option(callback=plain_id, help="Make a new version of this title.", show_default=False)
]
Wait = Annotated[bool, typer.Option("--wait", help="Until the title can be watched.")]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(ingest)


def ingest(
    files: Files,
    *,
    title: Title = None,
    title_id: TitleId = None,
    wait: Wait = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Upload films. An upload that was cut off goes on where it stopped."""
    if title is not None and len(files) > 1:
        raise InvalidInput("--title names one film: give one FILE with it")
    if title_id is not None and (title is not None or len(files) > 1):
        raise InvalidInput("--title-id is for one FILE, and the title keeps its name: change that with `titles edit`")
    for file in files:
        require_file(file)
    with open_api(settings_with(data)) as api, progress_bars() as progress:
        if title_id is not None:
            title = api.call("GET", f"/titles/{title_id}")["title"][
                "name"
            ]  # said before all bytes are sent for nothing
        for file in files:
            job = ingest_one(api, file, title or file.stem, progress, wait=wait, title_id=title_id or "")
            _report(job, as_json=as_json)


def require_file(film: Path) -> None:
    """Raise `InvalidInput` when there is no such file."""
    if not film.is_file():
        raise InvalidInput(f"{film} is not a file")


def ingest_one(api: Api, file: Path, title: str, progress: Progress, *, wait: bool, title_id: str = "") -> Answer:
    """Upload one film and give its job; with `wait`, once it has been published.

    Raises `SourceRefused` when the job fails, and `Cancelled` when somebody cancels it.
    """
    size = file.stat().st_size
    hashed = progress.add_task(f"Reading {title}", total=size)
    sent = progress.add_task(f"Uploading {title}", total=size)
    uploaded = upload(
        file,
        url=api.url,
        auth=api.auth,
        title=title,
        title_id=title_id,
        memory=state_directory() / "uploads",
        on_hashed=lambda done: progress.update(hashed, completed=done),
        on_progress=lambda done: progress.update(sent, completed=done),
    )
    for task in (hashed, sent):
        progress.remove_task(task)
    path = f"/jobs/{uploaded.job_id}"
    return wait_for(api, path, progress) if wait else _job(api, path)


def wait_for(api: Api, path: str, progress: Progress) -> Answer:
    """Show a job's progress until it has been published, and give it."""
    encoded = progress.add_task("Queued", total=1.0)
    while True:
        job = _job(api, path)
        stage = job["stage"].removeprefix("JOB_STAGE_").capitalize()
        waits = f"Waiting: {job['message']}" if job.get("message") else "Queued"
        words = f"{stage}: {job['title_name']}" if job["state"] == "JOB_STATE_RUNNING" else waits
        progress.update(encoded, completed=job["progress"], description=words)
        if job["state"] == "JOB_STATE_PUBLISHED":
            progress.remove_task(encoded)
            return job
        if job["state"] == "JOB_STATE_FAILED":
            raise SourceRefused(f"{job['title_name']}: {job['message']}")
        if job["state"] == "JOB_STATE_CANCELLED":
            raise Cancelled(f"{job['title_name']}: the job was cancelled")
        time.sleep(POLL_SECONDS)


def _job(api: Api, path: str) -> Answer:
    return dict(api.ask(path)["job"])


def progress_bars() -> Progress:
    """Bars on standard error, where that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)


def _report(job: Answer, *, as_json: bool) -> None:
    word = state_word(job["state"])
    if as_json:
        line = json.dumps({"title_id": job["title_id"], "job_id": job["job_id"], "state": word})
    else:
        line = f"{job['title_name']}: {word}, title {job['title_id']}, job {job['job_id']}"
    print(line, flush=True)
