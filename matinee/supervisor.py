"""One machine's Matinee: control, edge and worker as child processes that are started, watched and stopped together.

A child that ends by itself is started again, after a moment the first time and ever more slowly when it keeps ending.
Children are stopped by SIGTERM and killed when they do not heed it; a supervisor that is killed itself takes them
along, since their standard input closes.
"""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TextIO

import httpx
import structlog

from matinee import instance
from matinee.errors import Unavailable
from matinee.rpc.channel import is_serving, open_control
from matinee.settings import Settings

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
STEADY_SECONDS = 30.0
STOP_SECONDS = 4.0
START_SECONDS = 60.0

log = structlog.get_logger()


class Child:
    """A service as a child process that is always there until it is stopped."""

    def __init__(self, name: str, environment: dict[str, str], output: TextIO | None) -> None:
        self.name = name
        self._environment = environment
        self._output = output
        self._process: Process | None = None

    async def run(self) -> None:
        """Start the process, and again whenever it ends."""
        pause = FIRST_PAUSE
        while True:
            started = monotonic()
            self._process = await self._start()
            code = await self._process.wait()
            if monotonic() - started > STEADY_SECONDS:
                pause = FIRST_PAUSE
            log.warning("child ended; starting it again", child=self.name, exit_code=code, pause_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def hurry(self) -> None:
        """Ask the process once more to end, which it does at once."""
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End the process: asked first, killed after so many seconds."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            log.warning("child does not stop; killing it", child=self.name)
            with suppress(ProcessLookupError):  # it has ended meanwhile
                process.kill()
            await process.wait()

    async def _start(self) -> Process:
        command = [sys.executable, "-m", "matinee", self.name, "--supervised"]
        # A process group of its own, so that Ctrl-C reaches the supervisor alone and children stop in order.
        return await asyncio.create_subprocess_exec(
            *command, env=self._environment, stdin=PIPE, stdout=DEVNULL, stderr=self._output, process_group=0
        )


class Supervisor:
    """Control, edge and worker of one data directory."""

    def __init__(self, settings: Settings, log_file: Path | None = None) -> None:
        self._settings = settings
        self._log_file = log_file
        self._children: list[Child] = []

    async def run(self, stop: asyncio.Event, on_ready: Callable[[], None]) -> None:
        """Run everything until `stop` is set; `on_ready` is called once the door answers.

        Raises `Unavailable` when the services are not ready in time.
        """
        output = self._log_file.open("a") if self._log_file else None
        environment = child_environment(self._settings)
        self._children = children = [Child(name, environment, output) for name in ("control", "edge", "worker")]
        tasks: list[asyncio.Task[None]] = []
        try:
            tasks.append(asyncio.create_task(children[0].run()))
            await self._until(self._control_answers, stop)
            tasks.extend(asyncio.create_task(child.run()) for child in children[1:])
            await self._until(self._door_answers, stop)
            if not stop.is_set():
                instance.announce(self._settings)
                on_ready()
            await stop.wait()
        finally:
            instance.withdraw(self._settings)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._stop(children)
            if output:
                output.close()

    def hurry(self) -> None:
        """Stop at once what is being stopped in order."""
        for child in self._children:
            child.hurry()

    async def _stop(self, children: Sequence[Child]) -> None:
        """Stop the door and the worker, and control after them: both need it for what they bring to an end."""
        control, edge, worker = children
        http = self._settings.http
        await asyncio.gather(edge.stop(http.drain_seconds + http.grace_seconds + STOP_SECONDS), worker.stop())
        await control.stop(self._settings.control.grace_seconds + STOP_SECONDS)

    async def _until(self, answers: Callable[[], Awaitable[bool]], stop: asyncio.Event) -> None:
        deadline = monotonic() + START_SECONDS
        while not stop.is_set() and not await answers():
            if monotonic() > deadline:
                hint = f": see {self._log_file}" if self._log_file else ""
                raise Unavailable(f"the services did not become ready in {START_SECONDS:.0f} s{hint}")
            await asyncio.sleep(0.05)

    async def _control_answers(self) -> bool:
        async with open_control(self._settings) as channel:
            return await is_serving(channel)

    async def _door_answers(self) -> bool:
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                answer = await client.get(f"{self._settings.local_url}/readyz", timeout=2)
            except httpx.TransportError:
                return False
        return answer.status_code == httpx.codes.OK


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment in which a child reads the same settings as its supervisor."""
    given = {
        "MATINEE_DATA": str(settings.data.absolute()),
        "MATINEE_HTTP__HOST": settings.http.host,
        "MATINEE_HTTP__PORT": str(settings.http.port),
    }
    return {**os.environ, **given}
