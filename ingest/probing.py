"""Probing in a process of its own, on a leash: what a film makes of the demuxer stays there, and within limits.

As `python -I -m ingest.probing FILM SETTINGS` it says on stdout what the film is, or why it is not taken.
"""

import sys
from pathlib import Path

from ingest.ffmpeg import Ffmpeg, Limits
from ingest.probe import LONGEST_PROBE, probe
from ingest.source import Facts, Source
from matinee.errors import SourceRefused
from matinee.executor import Check, unchecked
from matinee.settings import SourceSettings, WorkerSettings

MEMORY_BYTES = 2 * 1024**3
"""Most address space: of 608 bytes FFmpeg makes an index of 3 GB, when they claim 80 million pictures."""
WALL_SECONDS = LONGEST_PROBE + 60
SLOWEST_READ = 2 * 1024**2
"""Bytes per second that any disk gives, so that a film is not killed for its size."""


class Finding(Facts):
    """What a film is, or why it is not taken."""

    source: Source | None = None
    refusal: str = ""


def probe_apart(film: Path, limits: SourceSettings, worker: WorkerSettings, *, check: Check = unchecked) -> Source:
    """Learn what a film is, as `ingest.probe.probe` does. Raises `SourceRefused`, and what `Ffmpeg.run` raises."""
    wall_seconds = WALL_SECONDS + film.stat().st_size / SLOWEST_READ
    leash = Limits(MEMORY_BYTES, wall_seconds, nice=worker.nice)
    arguments = ["-I", "-m", "ingest.probing", str(film), limits.model_dump_json()]
    said = Ffmpeg(sys.executable).run(arguments, leash, check=check).data
    finding = Finding.model_validate_json(said)
    if finding.source is None:
        raise SourceRefused(finding.refusal)
    return finding.source


def find(film: Path, limits: SourceSettings) -> Finding:
    """What there is to say of a film."""
    try:
        return Finding(source=probe(film, limits))
    except SourceRefused as error:
        return Finding(refusal=str(error))
    except MemoryError:
        return Finding(refusal="it takes too much memory to be read")


if __name__ == "__main__":
    film, limits = sys.argv[1:]
    sys.stdout.write(find(Path(film), SourceSettings.model_validate_json(limits)).model_dump_json())
