import platform
import subprocess
import sys
from pathlib import Path

from ingest.scratch import claim, orphans
from tests.small_disk import on_a_small_disk

CLAIM_AND_DIE = """
import os, sys
from pathlib import Path
from ingest.scratch import claim
with claim(Path(sys.argv[1])) as folder:
    (folder / "track.mp4").write_bytes(b"half a track")
    os.kill(os.getpid(), 9)
"""


def test_a_claimed_folder_is_gone_afterwards(tmp_path: Path) -> None:
    with claim(tmp_path) as folder:
        (folder / "source").write_bytes(b"film")
    assert list(tmp_path.iterdir()) == []


def test_two_workers_have_two_folders(tmp_path: Path) -> None:
    with claim(tmp_path) as one, claim(tmp_path) as other:
        assert one != other


def test_what_a_living_worker_has_is_left_alone(tmp_path: Path) -> None:
    with claim(tmp_path) as living:
        with orphans(tmp_path) as dead:
            assert dead == []
        assert living.exists()


def test_what_a_killed_worker_had_is_removed(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", CLAIM_AND_DIE, str(tmp_path)], check=False)
    with orphans(tmp_path) as dead:
        assert [(folder / "track.mp4").read_bytes() for folder in dead] == [b"half a track"]
    assert list(tmp_path.iterdir()) == []


def test_what_no_worker_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.mkv").write_bytes(b"film")
    with orphans(tmp_path):
        pass
    assert (tmp_path / "holiday.mkv").exists()


CLAIM_AND_TELL = """
import sys
from pathlib import Path
from ingest.scratch import claim
from matinee.errors import DiskFull

try:
    with claim(Path(sys.argv[1])):
        pass
except DiskFull as error:
    print(error)
"""


def test_a_worker_that_finds_no_room_at_its_start_says_so(tmp_path: Path) -> None:
    command = [*on_a_small_disk(tmp_path, size=65_536, files=1), sys.executable, "-c", CLAIM_AND_TELL, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == f"the disk of {platform.node()} is full: make room for its worker.scratch\n"
