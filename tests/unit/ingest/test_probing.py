"""Probing in a process of its own answers as probing here does, and keeps to its limits."""

import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ingest import probing
from ingest.probe import probe
from ingest.probing import probe_apart
from ingest.stages import ending
from matinee.errors import Cancelled, ResourceExhausted, SourceRefused
from matinee.settings import SourceSettings, WorkerSettings
from protos.v1.jobs_pb2 import JobState
from tests.films import film, shared_film
from tests.stack import ROOT
from tests.stopping import stopping

LIMITS, WORKER = SourceSettings(), WorkerSettings()
PICTURES = 80_000_000
MOST_MEGABYTES = 512
MEASURED = """
import resource, sys
from pathlib import Path
from ingest.probing import probe_apart
from matinee.errors import SourceRefused
from matinee.settings import SourceSettings, WorkerSettings

try:
    probe_apart(Path(sys.argv[1]), SourceSettings(), WorkerSettings())
except SourceRefused as refusal:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, file=sys.stderr)
"""


def claiming_millions(path: Path) -> Path:
    """A film of a few pictures whose header claims 80 million, of one byte each (ISO/IEC 14496-12, 8.6.1, 8.7)."""
    claim = bytearray(film(path, seconds=0.2, audio=()).read_bytes())
    for box, fields in ((b"stsz", (1, PICTURES)), (b"stts", (1, PICTURES)), (b"stsc", (1, 1, PICTURES, 1))):
        struct.pack_into(f">{len(fields)}I", claim, claim.index(box) + 8, *fields)
    path.write_bytes(claim)
    return path


def test_a_film_is_what_it_is_here() -> None:
    assert probe_apart(shared_film(), LIMITS, WORKER) == probe(shared_film(), LIMITS)


def test_a_refusal_comes_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"no film")
    with pytest.raises(SourceRefused, match="the file is none of MP4 or MOV"):
        probe_apart(tmp_path / "film.mp4", LIMITS, WORKER)


def test_it_can_be_stopped() -> None:
    with pytest.raises(Cancelled):
        probe_apart(shared_film(), LIMITS, WORKER, check=stopping(after=0))


def test_a_film_that_takes_too_long_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "WALL_SECONDS", 0.3)

    def wait() -> None:
        threading.Event().wait(0.3)

    with pytest.raises(ResourceExhausted) as caught:
        probe_apart(shared_film(), LIMITS, WORKER, check=wait)
    assert ending(caught.value).state == JobState.JOB_STATE_QUEUED


def test_a_small_file_that_claims_millions_of_pictures_is_refused_and_takes_little_memory(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MEASURED, str(claiming_millions(tmp_path / "film.mp4"))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stderr.splitlines()[-1]) < MOST_MEGABYTES
