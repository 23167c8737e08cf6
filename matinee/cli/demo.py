"""`matinee demo`: everything on this machine, with a film in it, ready to be watched."""

import asyncio
import re
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Annotated, TypeVar

import httpx
import typer
from rich.progress import Progress

from ingest.ffmpeg import Ffmpeg
from matinee import instance, showreel
from matinee.cli.api import Api
from matinee.cli.credential import open_api
from matinee.cli.ingest import ingest_one, progress_bars, require_file, wait_for
from matinee.cli.jobs import ACTIVE
from matinee.cli.options import Data, Port, settings_with
from matinee.cli.services import with_real_port
from matinee.errors import Conflict, DataLoss, MatineeError
from matinee.settings import Settings
from matinee.supervisor import Supervisor
from matinee.telemetry.logs import configure_logging

SHOWREEL = "Matinee showreel"

Answer = TypeVar("Answer")

Film = Annotated[Path | None, typer.Argument(help="A film of yours; default: one cut from real clips.")]
Once = Annotated[bool, typer.Option("--once", envvar="ONCE", help="Decode what was printed, stop, and leave.")]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(demo)


def demo(film: Film = None, data: Data = None, port: Port = None, once: Once = False) -> None:
    """Start everything, ingest a film, and show where to watch it."""
    if film is not None:
        require_file(film)
    settings = _settings(data, port)
    log_file = settings.data / "matinee.log"
    with instance.hold_directory(settings), log_file.open("a") as log:
        configure_logging("supervisor", settings.logs, log)
        asyncio.run(Demonstration(settings, log_file).run(film, once=once))


class Demonstration:
    """One run of the demonstration."""

    def __init__(self, settings: Settings, log_file: Path) -> None:
        self._settings = settings
        self._log_file = log_file
        self._stop = asyncio.Event()
        self._ready = asyncio.Event()
        self._ffmpeg = Ffmpeg.from_settings(settings.worker).program

    async def run(self, film: Path | None, *, once: bool) -> None:
        """Show the film until Ctrl-C, or check what a viewer would get, and leave."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        print(f"Starting control, edge and worker; their log is {self._log_file}", flush=True)
        supervisor = asyncio.create_task(Supervisor(self._settings, self._log_file).run(self._stop, self._ready.set))
        show = asyncio.create_task(self._show(film, once=once))
        await asyncio.wait({supervisor, show, asyncio.create_task(self._stop.wait())}, return_when="FIRST_COMPLETED")
        if show.done() and not show.cancelled() and show.exception() is None and not once:
            await asyncio.wait({supervisor})
        self._stop.set()
        show.cancel()
        outcomes = await asyncio.gather(show, supervisor, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _show(self, film: Path | None, *, once: bool) -> None:
        await self._ready.wait()
        title_id = await self._title(film)
        session = await _detached(partial(self._play, title_id))
        admin = instance.administrator(self._settings.data)
        page = f"{self._settings.public_url}/watch/{title_id}"
        print(f"\n  Watch   {page}\n  Login   {admin.email}  {admin.password}", flush=True)
        print(f"  VLC     {session['hls']}\n  DASH    {session['dash']}\n", flush=True)
        if not once:
            print("Ctrl-C stops everything.", flush=True)
            return
        await self._check_page(page)
        # FFmpeg 9.0 ends HLS over HTTP after the first of several byte ranges of a file, unless it may not seek.
        decoded = {
            "HLS": await self._decode("-http_seekable", "0", "-i", session["hls"]),
            "DASH": await self._decode("-i", session["dash"]),
        }
        for kind, frames in decoded.items():
            print(f"Decoded {kind} whole: {frames} frames, no error", flush=True)
        if len(set(decoded.values())) > 1:
            raise DataLoss("HLS and DASH do not hold the same frames")

    async def _title(self, film: Path | None) -> str:
        with progress_bars() as progress:
            if film is None:
                shown = await _detached(partial(self._shown_before, progress))
                if shown:
                    return shown
                print("Cutting a film of 40 s from real clips", flush=True)
                return await self._ingested(await self._cut(), SHOWREEL, progress)
            return await self._ingested(film, film.stem, progress)

    async def _ingested(self, film: Path, name: str, progress: Progress) -> str:
        print(f"Ingesting {film}", flush=True)
        return await _detached(partial(self._ingest, film, name, progress))

    def _ingest(self, film: Path, name: str, progress: Progress) -> str:
        with open_api(self._settings) as api:
            return str(ingest_one(api, film, name, progress, wait=True)["title_id"])

    async def _cut(self) -> Path:
        film = self._settings.data / "showreel.mp4"
        await _run(showreel.command(self._ffmpeg, showreel.clips(), film))
        return film

    def _shown_before(self, progress: Progress) -> str:
        with open_api(self._settings) as api:
            return earlier_showreel(api, progress)

    def _play(self, title_id: str) -> dict[str, str]:
        with open_api(self._settings) as api:
            return api.call("POST", f"/titles/{title_id}:play", {"device": "demo"})

    async def _check_page(self, page: str) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(page)
        if answer.status_code != httpx.codes.OK or "<script" not in answer.text:
            raise MatineeError(f"{page} answered {answer.status_code}")
        print(f"Fetched the watch page: {len(answer.text)} characters", flush=True)

    async def _decode(self, *source: str) -> int:
        quiet = ["-nostdin", "-hide_banner", "-loglevel", "error", "-stats"]
        # The question mark lets a silent film pass.
        strict = ["-xerror", *source, "-map", "0:v:0", "-map", "0:a:0?", "-f", "null", "-"]
        said = await _run([self._ffmpeg, *quiet, *strict])
        frames = re.findall(r"frame=\s*(\d+)", said)
        if not frames:
            raise DataLoss(f"nothing was decoded from {source[-1]}")
        return int(frames[-1])


def earlier_showreel(api: Api, progress: Progress) -> str:
    """The title of an earlier demonstration's film, once it has been published; empty when there is none.

    One whose demonstration was interrupted may still wait for a worker, or be worked on.
    """
    for title in api.pages("/titles", "titles"):
        if title["name"] == SHOWREEL and title["state"] == "TITLE_STATE_PUBLISHED":
            return str(title["title_id"])
    for job in api.pages("/jobs", "jobs"):
        if job["title_name"] == SHOWREEL and job["state"] in ACTIVE:
            print("Going on with the film of an interrupted demonstration", flush=True)
            return str(wait_for(api, f"/jobs/{job['job_id']}", progress)["title_id"])
    return ""


async def _detached(work: Callable[[], Answer]) -> Answer:
    """What `work` gives, from a thread that nobody waits for: once we are cancelled, it ends with the process."""
    future: Future[Answer] = Future()
    future.set_running_or_notify_cancel()

    def settle() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001  (it is raised where the answer is awaited)
            future.set_exception(error)

    Thread(target=settle, daemon=True).start()
    return await asyncio.wrap_future(future)


async def _run(command: list[str]) -> str:
    """What a command says on standard error. Raises `MatineeError` when it fails."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, process_group=0
    )
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        await _terminate(process)
        raise
    if process.returncode:
        program = Path(command[0]).name
        raise MatineeError(said.decode().strip() or f"{program} failed with status {process.returncode}")
    return said.decode()


async def _terminate(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    await process.wait()


def _settings(data: Path | None, port: int | None) -> Settings:
    settings = settings_with(data, port=port)
    try:
        instance.require_port(settings.http.host, settings.http.port)
    except Conflict:
        if port is not None:
            raise
        settings = settings_with(data, port=0)
    # The instance that this person works with otherwise has no part in it.
    return with_real_port(settings.model_copy(update={"url": "", "token": ""}))
