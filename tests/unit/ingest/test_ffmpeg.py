"""The one place that spawns: limits, cancellation, failures, and nothing left behind."""

import subprocess
import sys
from pathlib import Path
from select import select

import pytest

from ingest.ffmpeg import ENVIRONMENT, LEASH, Ffmpeg, GaveUp, Limits, is_unsafe
from matinee.errors import Cancelled, DiskFull, ResourceExhausted, SourceRefused, Unavailable
from matinee.settings import WorkerSettings
from tests.stopping import stopping

FFMPEG = Ffmpeg.from_settings(WorkerSettings())
LIMITS = Limits(memory_bytes=4 * 1024**3, wall_seconds=30)
NOISE = ["-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=d=20", "-c:v", "ffv1"]
ENDLESS = ["-nostdin", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc=s=64x36", "-f", "null", "-"]


def test_gives_what_was_written() -> None:
    assert Ffmpeg("/bin/sh").run(["-c", "echo out; echo err >&2"], LIMITS).data == b"out\n"


def test_knows_the_version_of_the_program() -> None:
    assert FFMPEG.version().startswith("n9")


@pytest.mark.parametrize(
    ("version", "unsafe"),
    [
        ("n9.0.2-17-g2a571b6068-20260930", False),
        ("8.1.3", False),
        ("8.1.2", True),
        ("5.1", True),
        ("N-118000-gab", False),
    ],
)
def test_releases_with_known_holes_are_told_apart(version: str, unsafe: bool) -> None:
    assert is_unsafe(version) == unsafe


def test_a_program_that_is_not_there_can_be_set_and_tried_again() -> None:
    with pytest.raises(Unavailable, match=r"worker\.ffmpeg '/nowhere/ffmpeg' is not a program"):
        Ffmpeg.from_settings(WorkerSettings(ffmpeg="/nowhere/ffmpeg"))


def test_the_child_sees_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    seen = Ffmpeg("/usr/bin/env").run([], LIMITS).data.decode().split()
    assert set(seen) <= {f"{name}={value}" for name, value in ENVIRONMENT.items()}


def test_the_child_is_niced_in_a_session_of_its_own_and_dumps_no_core() -> None:
    script = "import os,resource as r; print(os.nice(0), os.getsid(0)==os.getpid(), r.getrlimit(r.RLIMIT_CORE)[0])"
    written = Ffmpeg(sys.executable).run(["-I", "-c", script], Limits(4 * 1024**3, 30, nice=7)).data
    assert written.split() == [b"7", b"True", b"0"]


def test_progress_is_heard_in_seconds() -> None:
    heard: list[float] = []
    source = ["-nostdin", "-progress", "pipe:1", "-nostats", "-loglevel", "error", "-f", "lavfi"]
    FFMPEG.run([*source, "-i", "testsrc=s=64x36:d=3", "-f", "null", "-"], LIMITS, on_seconds=heard.append)
    assert heard[-1] == pytest.approx(3, abs=0.1)


def test_a_wish_to_stop_kills_the_child() -> None:
    with pytest.raises(Cancelled):
        FFMPEG.run(ENDLESS, LIMITS, check=stopping(after=3))


def test_a_child_that_takes_too_long_is_killed() -> None:
    with pytest.raises(ResourceExhausted, match=r"longer than 0\.3 s"):
        FFMPEG.run(ENDLESS, Limits(4 * 1024**3, 0.3))


def test_a_child_that_needs_too_much_memory_fails() -> None:
    eater = ["-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=s=8192x8192:d=1", "-f", "null", "-"]
    with pytest.raises((ResourceExhausted, SourceRefused)):
        FFMPEG.run(eater, Limits(400 * 1024**2, 30))


def test_a_child_that_writes_too_much_is_stopped(tmp_path: Path) -> None:
    script = f"dd if=/dev/zero of={tmp_path / 'big'} bs=65536 count=64"
    with pytest.raises(ResourceExhausted, match="wrote more than 1048576 bytes"):
        Ffmpeg("/bin/sh").run(["-c", f"PATH=/bin:/usr/bin; exec {script}"], Limits(4 * 1024**3, 30, 1024**2))
    assert (tmp_path / "big").stat().st_size <= 1024**2


def test_the_reason_is_what_ffmpeg_says_of_the_cause() -> None:
    with pytest.raises(SourceRefused, match=r"^ffmpeg gave up: Error opening input: No such file or directory$"):
        FFMPEG.run(["-nostdin", "-loglevel", "error", "-i", "file:/nowhere.mp4", "-f", "null", "-"], LIMITS)


CHANGED = """
[ac3 @ 0x5580] [error] frame sync error
[graph_0_in_0:1 @ 0x7fb0] [error] Changing audio frame properties on the fly is not supported.
[fc#0 @ 0x5584] [error] Error while filtering: Invalid argument
[Parsed_ebur128_2 @ 0x7fb0] [info] Summary:
    I:         -23.4 LUFS
[fc#0 @ 0x5584] [error] Terminating thread with return code -22 (Invalid argument)
[info] Conversion failed!
"""


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (CHANGED, "Changing audio frame properties on the fly is not supported."),
        ("[fc#0 @ 0x55] [fatal] Error while filtering: Invalid argument", "Error while filtering: Invalid argument"),
        ("[h264 @ 0x55] no frame!\n[dec:h264 @ 0x55] Error submitting packet to decoder: Invalid data", "no frame!"),
        ("", "exit status 3"),
    ],
)
def test_what_follows_from_the_cause_is_no_reason(said: str, reason: str) -> None:
    with pytest.raises(GaveUp) as refused:
        Ffmpeg("/bin/sh").run(["-c", 'printf %s "$0" >&2; exit 3', said], LIMITS)
    assert str(refused.value) == f"ffmpeg gave up: {reason}"


def test_a_full_disk_can_be_tried_again() -> None:
    with pytest.raises(DiskFull, match="is full"):
        FFMPEG.run([*NOISE, "-f", "matroska", "-y", "/dev/full"], LIMITS)


def test_a_child_that_was_killed_from_outside_can_be_tried_again() -> None:
    with pytest.raises(Unavailable, match="killed from outside"):
        Ffmpeg("/bin/sh").run(["-c", "kill -9 $$"], LIMITS)


def test_a_killed_parent_leaves_no_child() -> None:
    leash = f"[{sys.executable!r}, '-I', '-S', {str(LEASH)!r}, str(os.getpid()), '0', '9999999999', '999999', '99']"
    script = f"import os, subprocess; subprocess.run({leash} + ['/bin/sh', '-c', 'echo begun; exec /bin/sleep 60'])"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"begun\n"
        parent.kill()
        # The child holds the other end of this pipe, and lets go of it when it ends.
        assert select([parent.stdout], [], [], 30)[0] == [parent.stdout]
        assert parent.stdout.read() == b""
