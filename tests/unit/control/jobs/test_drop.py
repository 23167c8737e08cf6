"""What is made of an object that somebody dropped."""

from dataclasses import replace

import pytest

from control.jobs.drop import Drop
from matinee.storage.object_store import StoredObject

ITEM = StoredObject("incoming/Sita Sings.mkv", 10, '"abc"', 1_700_000_000.25)
DROP = Drop.of(ITEM)


def named(name: str, size: int = 10) -> Drop:
    return replace(DROP, key=f"incoming/{name}", size=size)


def test_it_is_the_same_whether_it_was_listed_or_asked_for() -> None:
    assert Drop.of(replace(ITEM, etag="abc", modified=1_700_000_000.0)).drop_id == DROP.drop_id


@pytest.mark.parametrize(
    "change", [{"key": "incoming/Other.mkv"}, {"size": 11}, {"etag": "x"}, {"modified": 1_700_000_001.0}]
)
def test_another_object_is_another_even_under_the_same_key(change: dict[str, object]) -> None:
    assert Drop.of(replace(ITEM, **change)).drop_id != DROP.drop_id  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "file_name", "title"),
    [
        ("Sita Sings.mkv", "Sita Sings.mkv", "Sita Sings"),
        ("2024/july/Été.v2.MP4", "Été.v2.MP4", "Été.v2"),
        ("a\u2028b.mkv", "a b.mkv", "a b"),
        (f"{'x' * 300}.mkv", f"{'x' * 251}.mkv", "x" * 200),
    ],
)
def test_its_title_is_called_like_the_file(name: str, file_name: str, title: str) -> None:
    assert (named(name).file_name, named(name).title_name) == (file_name, title)


@pytest.mark.parametrize("name", [".DS_Store", ".hidden/film.mkv", "film.mkv.part", "film.mp4.crdownload", "x.TMP"])
def test_what_is_hidden_or_on_its_way_is_left_alone(name: str) -> None:
    assert not named(name).is_meant


def test_the_mark_of_a_folder_is_left_alone() -> None:
    assert not named("2024", size=0).is_meant


@pytest.mark.parametrize("name", ["film.mkv", "2024/film.MP4", "film.ts", "film.webm"])
def test_a_film_is_taken(name: str) -> None:
    assert named(name).is_meant
    assert not named(name).refusal()


@pytest.mark.parametrize("name", ["notes.txt", "film", "film.mkv.zip", "poster.jpg"])
def test_what_is_called_like_no_film_is_refused_with_the_reason(name: str) -> None:
    assert named(name).is_meant
    assert named(name).refusal().startswith(f"{name} is not taken for a film: the names of those end in .mp4, .m4v")


def test_an_empty_film_is_refused() -> None:
    assert named("film.mkv", size=0).refusal() == "the file is empty"
