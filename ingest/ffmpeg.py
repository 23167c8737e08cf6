"""Running ffmpeg: the one place that spawns a process.

A child gets an argument list, never a shell; a session and process group of its own; an environment without anything of
ours; limits on memory, file size, CPU and wall time (see `leash`); and it dies with its parent.
"""

import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import IO

import imageio_ffmpeg
import structlog

from ingest import scratch
from matinee.errors import MatineeError, ResourceExhausted, SourceRefused, Unavailable
from matinee.executor import Check, OnSeconds, unchecked, unheard
from matinee.settings import WorkerSettings

LEASH = Path(__file__).with_name("leash.py")
ENVIRONMENT = {"LC_ALL": "C", "AV_LOG_FORCE_NOCOLOR": "1"}
POLL_SECONDS = 0.1
READ_BYTES = 64 * 1024
KEPT_BYTES = 64 * 1024**2
CPUS_USED = 4
SAFE = (8, 1, 3)  # CVE-2026-107695 and -107697
SAFE_RELEASE = ".".join(map(str, SAFE))
DISK_FULL = ("No space left on device", "Disk quota exceeded")
OUT_OF_MEMORY = "Cannot allocate memory"
SEVERE = ("[error]", "[fatal]")  # as -loglevel level+… has it
CONTEXT = re.compile(r"^(\[[^]]*] )+")
CONSEQUENCES = (
    "Error ",
    "Task finished",
    "Terminating thread",
    "Could not open encoder before EOF",
    "Nothing was written",
    "Conversion failed",
)

log = structlog.get_logger()


class GaveUp(SourceRefused):
    """A child ended with an error, for which the film may be to blame, or the child."""


@dataclass(frozen=True)
class Limits:
    """What one child may take: bytes of memory (address space), seconds of wall time, bytes in a file; its niceness."""

    memory_bytes: int
    wall_seconds: float
    file_bytes: int = 64 * 1024**3
    nice: int = 0

    @classmethod
    def from_settings(cls, worker: WorkerSettings, content_seconds: float | Fraction) -> "Limits":
        """The limits for work on so many seconds of film."""
        wall_seconds = worker.wall_factor * max(10.0, float(content_seconds))
        return cls(memory_bytes=worker.memory_bytes, wall_seconds=wall_seconds, nice=worker.nice)


@dataclass(frozen=True)
class Ffmpeg:
    """The ffmpeg program, and how to run it."""

    program: str

    @classmethod
    def from_settings(cls, worker: WorkerSettings) -> "Ffmpeg":
        """The program that a setting names, or the one in the imageio-ffmpeg package. Raises `Unavailable`."""
        program = shutil.which(worker.ffmpeg or imageio_ffmpeg.get_ffmpeg_exe())
        if program is None:
            raise Unavailable(f"worker.ffmpeg {worker.ffmpeg!r} is not a program; correct it, or leave it empty")
        return cls(program)

    def version(self) -> str:
        """What the program calls itself, such as `n9.0.2-17-g2a571b6068`. Raises `Unavailable` for an unsafe one."""
        version = _version(self.program)
        if is_unsafe(version):
            raise Unavailable(f"ffmpeg {version} has known holes; set worker.ffmpeg to {SAFE_RELEASE} or newer")
        return version

    def run(
        self, arguments: Sequence[str], limits: Limits, *, check: Check = unchecked, on_seconds: OnSeconds = unheard
    ) -> "Output":
        """Run to the end and give what was written on stdout and stderr.

        `check` is called now and then; what it raises kills the child and comes out of here. `on_seconds` hears of the
        output when the arguments ask for `-progress pipe:1`. Raises `ResourceExhausted` past a limit; `DiskFull`;
        `Unavailable` when something else killed the child; `GaveUp`, with the cause that the child names, when it ends
        with an error.
        """
        command = [self.program, *arguments]
        log.info("ffmpeg", command=shlex.join(command))
        with _spawn(command, limits) as child:
            try:
                output = _listen(child, limits, check, on_seconds)
            finally:
                _kill(child)
        _check(child.returncode, output.errors, limits)
        return output


@dataclass(frozen=True)
class Output:
    """What a child wrote: all of its stdout, and its stderr as text."""

    data: bytes
    errors: str


def is_unsafe(version: str) -> bool:
    """Whether a release is older than those with all that we know of mended; a build without a number is believed."""
    release = re.match(r"n?(\d+)\.(\d+)(?:\.(\d+))?", version)
    return release is not None and tuple(int(part or 0) for part in release.groups()) < SAFE


@cache
def _version(program: str) -> str:
    limits = Limits(memory_bytes=4 * 1024**3, wall_seconds=20)
    return Ffmpeg(program).run(["-version"], limits).data.decode().split()[2]


def _spawn(command: Sequence[str], limits: Limits) -> subprocess.Popen[bytes]:
    numbers = (os.getpid(), limits.nice, limits.memory_bytes, limits.file_bytes, int(limits.wall_seconds * CPUS_USED))
    leash = [sys.executable, "-I", "-S", str(LEASH), *map(str, numbers)]
    return subprocess.Popen(
        [*leash, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        start_new_session=True,
    )


def _listen(child: subprocess.Popen[bytes], limits: Limits, check: Check, on_seconds: OnSeconds) -> Output:
    """Read both pipes until they close, and look at the clock and for a wish to stop now and then."""
    deadline = time.monotonic() + limits.wall_seconds
    data, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe, heard in ((child.stdout, data), (child.stderr, errors)):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, heard)
        while selector.get_map():
            check()
            if time.monotonic() > deadline:
                raise ResourceExhausted(f"ffmpeg took longer than {limits.wall_seconds:g} s and was killed")
            for key, _ in selector.select(POLL_SECONDS):
                _hear(selector, key, on_seconds if key.data is data else unheard)
    child.wait()
    return Output(bytes(data), errors.decode(errors="replace"))


def _hear(selector: selectors.BaseSelector, key: selectors.SelectorKey, on_seconds: OnSeconds) -> None:
    pipe: IO[bytes] = key.fileobj  # type: ignore[assignment]
    chunk = os.read(pipe.fileno(), READ_BYTES)
    if not chunk:
        selector.unregister(pipe)
        return
    heard: bytearray = key.data
    heard += chunk
    del heard[:-KEPT_BYTES]
    done = [line for line in chunk.splitlines() if line.startswith(b"out_time_us=") and line[12:].isdigit()]
    if done:
        on_seconds(int(done[-1][12:]) / 1_000_000)


def _kill(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _check(status: int, errors: str, limits: Limits) -> None:
    if status == 0:
        return
    raise _failure(status, errors, limits)


def _failure(status: int, errors: str, limits: Limits) -> MatineeError:
    if any(sign in errors for sign in DISK_FULL):
        return scratch.full()
    if status == -signal.SIGXCPU:
        return ResourceExhausted(f"ffmpeg took more than {limits.wall_seconds * CPUS_USED:g} s of CPU time")
    if status == -signal.SIGXFSZ or "File too large" in errors:
        return ResourceExhausted(f"ffmpeg wrote more than {limits.file_bytes} bytes")
    if OUT_OF_MEMORY in errors:
        return ResourceExhausted(f"ffmpeg needed more than {limits.memory_bytes} bytes of memory")
    if status in {-signal.SIGKILL, -signal.SIGTERM}:
        return Unavailable("ffmpeg was killed from outside; try again")
    return GaveUp(f"ffmpeg gave up: {_cause(errors) or f'exit status {status}'}")


def _cause(errors: str) -> str | None:
    """The line that tells why ffmpeg ended: the last that does not only follow from another."""
    lines = errors.strip().splitlines()
    severe = [line for line in lines if any(level in line for level in SEVERE)]
    said = [CONTEXT.sub("", line) for line in severe or lines]
    causes = [line for line in said if not line.startswith(CONSEQUENCES)]
    return next(iter([*reversed(causes), *said]), None)
