"""Work for executors that can be sent to another machine: what it does there shows in files."""

import os
import sys
import time
from pathlib import Path

from ingest.ffmpeg import Ffmpeg, Limits
from matinee.errors import SourceRefused
from matinee.executor import Check, OnSeconds, unheard

LIMITS = Limits(memory_bytes=4 * 1024**3, wall_seconds=60)
SLEEP = "import sys, time; open(sys.argv[1], 'a').write('begun\\n'); time.sleep(60)"


def double(number: int, *, check: Check, on_seconds: OnSeconds = unheard) -> int:
    """Twice the number."""
    check()
    return 2 * number


def tell(seconds: list[float], *, check: Check, on_seconds: OnSeconds) -> None:
    """Tell of these seconds."""
    for each in seconds:
        on_seconds(each)


def refuse(sentence: str, *, check: Check, on_seconds: OnSeconds = unheard) -> None:
    """Refuse a film."""
    raise SourceRefused(sentence)


def run_a_child(*, check: Check, on_seconds: OnSeconds = unheard) -> None:
    """Run a child on the leash, which is logged."""
    Ffmpeg(sys.executable).run(["-c", "pass"], LIMITS, check=check)


def mind_a_child(note: Path, *, check: Check, on_seconds: OnSeconds = unheard) -> None:
    """Run a child on the leash that does nothing for a minute; each start adds a line to `note`."""
    Ffmpeg(sys.executable).run(["-c", SLEEP, str(note)], LIMITS, check=check)


def meet(folder: Path, number: int, *, check: Check, on_seconds: OnSeconds = unheard) -> int:
    """Wait for somebody else to be here too, in vain for some seconds; and say how many were here at once."""
    mine = folder / str(number)
    mine.touch()
    most, began = 0, time.monotonic()
    while time.monotonic() < began + (0.5 if most > 1 else 5):
        most = max(most, len(list(folder.iterdir())))
        time.sleep(0.01)
    mine.unlink()
    return most


def die(note: Path, *, check: Check, on_seconds: OnSeconds = unheard) -> None:
    """End the process, as the kernel does when memory runs out."""
    with note.open("a") as file:
        file.write(f"{os.getpid()}\n")
    os._exit(9)


def children(note: Path) -> list[Path]:
    """The processes whose command line names the note, each as its folder in /proc."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(note).encode() in (process / "cmdline").read_bytes():
                found.append(process)
        except OSError:  # it has ended meanwhile
            continue
    return found
