"""Small files that other processes read are there whole, or not there."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from matinee.small_files import kept, write_whole


def test_a_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    write_whole(tmp_path / "secret", "words")
    assert (tmp_path / "secret").read_text() == "words"
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_reader_never_finds_a_file_that_is_being_replaced_empty_or_in_part(tmp_path: Path) -> None:
    path = tmp_path / "door.json"
    write_whole(path, "a" * 4096)
    done = threading.Event()

    def read() -> set[str]:
        found = {path.read_text()}
        while not done.is_set():
            found.add(path.read_text())
        return found

    with ThreadPoolExecutor() as pool:
        found = pool.submit(read)
        for turn in range(200):
            write_whole(path, "ab"[turn % 2] * 4096)
        done.set()
    assert found.result() <= {"a" * 4096, "b" * 4096}


def test_nothing_is_left_of_a_file_that_could_not_be_put_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "taken", b"bytes")
    assert list(tmp_path.iterdir()) == [tmp_path / "taken"]


def test_of_two_processes_that_make_a_file_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    assert kept(path, lambda: kept(path, lambda: "first") + " second") == "first"
    assert list(tmp_path.iterdir()) == [path]
