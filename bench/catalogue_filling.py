"""A catalogue of any size for the benchmark: titles of words as frequent as those of a language, written in bulk."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from control.database.titles import Title, labels, row, texts
from control.database.words import words

SEED = 4
BATCH = 20_000
VOCABULARY = 40_000
GENRES = (
    *("Drama", "Comedy", "Documentary", "Thriller", "Action", "Romance", "Crime", "Horror", "Adventure", "Fantasy"),
    *("Mystery", "Family", "Animation", "War", "History", "Music", "Western", "Sport", "Noir", "Biography"),
)
LANGUAGES = ("eng", "deu", "fra", "spa", "ita", "jpn", "kor", "hin", "por", "zho")
AGES = (0, 6, 12, 16, 18)
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "zu", "an")
TITLES = "INSERT INTO titles ({}) VALUES ({})"
LABELS = "INSERT INTO title_labels (kind, label, title_id) VALUES (?, ?, ?)"
TEXTS = "INSERT INTO title_texts (title_id, name, rest) VALUES (?, ?, ?)"


def word(rank: int) -> str:
    """The word of a rank; the first are the most frequent, and short."""
    text = ""
    while rank or not text:
        rank, digit = divmod(rank, len(SYLLABLES))
        text += SYLLABLES[digit]
    return text


def fill(path: Path, count: int) -> None:
    """Write so many published titles into the migrated database at `path`, each found like any other."""
    with sqlite3.connect(path) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:  # the index of words is made at once in the end, which takes a third of the time
            connection.execute(f"DROP TRIGGER {name}")
        for batch in _batches(count):
            _write(connection, batch)
        connection.execute("INSERT INTO title_search(title_search) VALUES ('rebuild')")
        for _, sql in triggers:
            connection.execute(sql)
    connection.close()


def _write(connection: sqlite3.Connection, batch: Sequence[Title]) -> None:
    rows = [row(title) for title in batch]
    columns = list(rows[0])
    named = ", ".join(f'"{name}"' for name in columns), ", ".join(f":{name}" for name in columns)
    connection.executemany(TITLES.format(*named), rows)
    connection.executemany(LABELS, [(*label, title.title_id) for title in batch for label in sorted(labels(title))])
    found_by = [(title.title_id, *(" ".join(words(text)) for text in texts(title))) for title in batch]
    connection.executemany(TEXTS, found_by)


def _batches(count: int) -> Iterator[list[Title]]:
    random = np.random.default_rng(SEED)
    vocabulary = [word(rank) for rank in range(VOCABULARY)]
    frequency = 1 / np.arange(3, VOCABULARY + 3)
    frequency /= frequency.sum()
    for first in range(0, count, BATCH):
        size = min(BATCH, count - first)
        drawn = random.choice(VOCABULARY, (size, 34), p=frequency)
        lengths, picks = random.integers(1, 5, size), random.random((size, 8))
        yield [
            _title(first + number, [vocabulary[rank] for rank in drawn[number]], int(lengths[number]), picks[number])
            for number in range(size)
        ]


def _title(
    number: int, drawn: Sequence[str], length: int, picks: "np.ndarray[tuple[int], np.dtype[np.float64]]"
) -> Title:
    genres = {GENRES[int(pick * pick * len(GENRES))] for pick in picks[:2]}
    return Title(
        title_id=f"{number:026d}",
        name=" ".join(drawn[:length]).title(),
        created_at=float(number),
        synopsis=" ".join(drawn[4:30]),
        published=True,
        published_at=float(number),
        asset_id="a" * 26,
        duration_seconds=5400.0,
        width=1920,
        height=1080,
        audio_languages=(LANGUAGES[int(picks[2] ** 3 * len(LANGUAGES))],),
        genres=tuple(sorted(genres)),
        tags=tuple(sorted(set(drawn[30:32]))),
        year=1920 + int(picks[3] ** 0.5 * 107),
        cast=((f"{drawn[32]} {drawn[33]}".title(), "director"),),
        minimum_age=AGES[int(picks[4] * len(AGES))],
    )
