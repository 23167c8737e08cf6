"""The plays that `bench.analytics` asks about: what players did, and rows as the consumers would have written them."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import astuple, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from control.analytics import quality
from control.analytics.plays import following, tallies
from control.analytics.viewers import added, moved
from control.database.plays import ALL, Change, Play
from control.database.quality import SessionQuality, Sums
from control.database.statistics import Tally
from control.identifiers import new_id
from control.timestamps import timestamp
from protos.v1.events_pb2 import CmcdReport, MoviePaused, MoviePlayed, PlaybackMetrics
from tests.viewing import HOUR, NOON, numbered, paused, played

TITLES, DAYS, PLAYS_OF_ACCOUNT = 2_000, 90, 50
AT_ONCE = 1_000
PLAYERS = 500
"""How many different reports there are: to add them up costs more than to write what they add up to."""

Pair = tuple[MoviePlayed, MoviePaused]


def pairs(first: int, accounts: Iterator[int]) -> Iterator[Pair]:
    """Begin and end of a play of each of these accounts over the last days: few titles are played by most."""
    random = np.random.default_rng(first)
    for number, account in enumerate(accounts, first):
        film, at = random.random(2).tolist()
        who, what = numbered("a", account), numbered("t", int(film**3 * TITLES))
        moment = NOON - at * (DAYS - 1) * 86_400
        begin = played(who, what, moment, session=number)
        yield begin, paused(who, what, moment + 1_800, HOUR * film, session=number, watched=1_800)


def reports(number: int) -> PlaybackMetrics:
    """What a player tells of half an hour: it starts in about a second, and stalls seldom."""
    random, at = np.random.default_rng(number), 1_000_000.0
    session_id = new_id(lambda: NOON - HOUR)
    told = PlaybackMetrics(session_id=session_id, title_id="t" * 26, account_id="a" * 26, asset_id="a" * 26)
    stalls = random.poisson(0.5)
    lasting = [("p", 1_800_000 / (stalls + 1)), ("r", 2_000)] * stalls
    for place, (state, length) in enumerate(
        [("s", 1_000 * random.lognormal(0, 0.5)), *lasting, ("p", 60_000), ("q", 0)]
    ):
        keys = {"sn": str(place), "br": str(random.choice([800, 2_400, 5_000]))}
        report = CmcdReport(mode="event", event="ps", state=state, timestamp=int(at), keys=keys)
        report.received_at.CopyFrom(timestamp(NOON))
        told.reports.append(report)
        at += length
    return told


PLAY, SESSION = (attrgetter(*(field.name for field in fields(kind))) for kind in (Play, SessionQuality))
"""The columns of a row."""


class Filling:
    """Rows and their sums, as the consumers would have written them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.known = [quality.following(None, reports(number)) for number in range(PLAYERS)]
        self.plays: dict[tuple[str, int], Tally] = defaultdict(Tally)
        self.viewers: Counter[tuple[str, int, int]] = Counter()
        self.quality: dict[tuple[str, int], Sums] = defaultdict(Sums)
        self.startups: Counter[tuple[str, int, int]] = Counter()

    def add(self, first: int, accounts: int) -> None:
        """All plays of so many accounts, which nothing was known of before."""
        who = (account for account in range(first, first + accounts) for _ in range(PLAYS_OF_ACCOUNT))
        started = pairs(first * PLAYS_OF_ACCOUNT, who)
        changes: list[Change] = [(None, following(following(None, begin), end)) for begin, end in started]
        sessions = [(None, self._reported(number, play)) for number, (_, play) in enumerate(changes)]
        days = moved(changes)
        for key, tally in tallies(changes).items():
            self.plays[key] += tally
        for key, sums in quality.sums(sessions).items():
            self.quality[key] += sums
        self.viewers.update(added(days, {}))
        self.startups.update(quality.startups(sessions))
        self._insert("plays", map(PLAY, (play for _, play in changes)))
        self._insert("playback_quality", map(SESSION, (session for _, session in sessions)))
        of_accounts = ((account_id, by_day) for (of, account_id), by_day in days.items() if of == ALL)
        found = ((account_id, day, count) for account_id, by_day in of_accounts for day, count in by_day.items())
        self._insert("account_days", found)

    def finish(self) -> None:
        """Write the sums."""
        for table, sums in (("play_days", self.plays), ("quality_days", self.quality)):
            self._insert(table, ((*key, *astuple(each)) for key, each in sums.items()))
        for table, counts in (("viewer_days", self.viewers), ("startup_days", self.startups)):
            self._insert(table, ((*key, count) for key, count in counts.items()))

    def _reported(self, number: int, play: Play) -> SessionQuality:
        known = self.known[number % PLAYERS]
        return replace(
            known, session_id=play.session_id, title_id=play.title_id, account_id=play.account_id, day=play.day
        )

    def _insert(self, table: str, rows: Iterable[Any]) -> None:
        columns = len(self.connection.execute(f"PRAGMA table_info({table})").fetchall())
        marks = ", ".join("?" * columns)
        self.connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        self.connection.commit()


def fill(path: Path, accounts: int) -> None:
    """Write the plays of so many accounts as rows, and their sums."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    filling = Filling(connection)
    for first in range(0, accounts, AT_ONCE):
        filling.add(first, min(AT_ONCE, accounts - first))
    filling.finish()
    connection.close()
