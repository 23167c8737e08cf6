"""What became of the changes in a ledger, read from what controls left: their database and the event log."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from math import isclose
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.message import Message
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from control import event_data
from control.events.service import KINDS
from matinee.settings import Settings
from protos.v1.events_pb2 import HistoryUpdated, MoviePaused, MoviePlayed, SubscriptionUpdated, UserAuthenticated
from tests.ledger import Entry

Found = TypeVar("Found")

PLAYBACK = (MoviePlayed, MoviePaused)
GROUPS: dict[str, tuple[type[Message], ...]] = {
    "history": PLAYBACK,
    "statistics": PLAYBACK,
    "post-login": (UserAuthenticated,),
    "access-sync": (SubscriptionUpdated,),
}
"""The consumer groups, and which events they act on."""


@dataclass
class Findings:
    """What does not hold, each as a sentence."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)

    def count(self, what: str, expected: Mapping[str, float], found: Mapping[str, float]) -> None:
        """Compare sums, or how often each thing is there; what is not there is 0."""
        for name in sorted(expected.keys() | found.keys()):
            due, is_there = expected.get(name, 0), found.get(name, 0)
            if not isclose(due, is_there, abs_tol=1e-6):
                (self.lost if is_there < due else self.doubled).append(f"{what} of {name}: {is_there}, not {due}")

    def order(self, what: str, expected: Sequence[object], found: Sequence[object]) -> None:
        """Compare sequences; one sentence for what is not in order, however much follows it."""
        pairs = enumerate(zip_longest(expected, found))
        self.disordered += [f"{what} {at}: {one}, not {due}" for at, (due, one) in pairs if due != one][:1]


class Remains:
    """What controls left: a database, which is either kind, and the file of the event log."""

    def __init__(self, connection: Connection, log: Path) -> None:
        self._connection = connection
        self._log = log

    @cached_property
    def waiting(self) -> set[str]:
        """The ids of events in the outbox."""
        return {row[0] for row in self.rows("SELECT event_id FROM outbox")}

    @cached_property
    def sent(self) -> set[str]:
        """The ids of events on the bus."""
        return {row[0] for row in self._logged("SELECT event_id FROM events")}

    @cached_property
    def events(self) -> dict[str, Message]:
        """The events on the bus by their ids, in the order in which it had them first."""
        found: dict[str, Message] = {}
        for event_id, topic, data in self._logged("SELECT event_id, topic, data FROM events ORDER BY position"):
            found.setdefault(event_id, event_data.decoded(KINDS[topic], data))
        return found

    @property
    def progress(self) -> tuple[int, int, int]:
        """How many events wait in the outbox, how many the bus has, and how many of these its groups have yet to do."""
        behind = "SELECT count(*) FROM offsets JOIN events USING (topic) WHERE events.position > offsets.position"
        return len(self.waiting), len(self.sent), self._logged(behind)[0][0]

    def rows(self, query: str) -> list[Any]:
        """What a query of the database finds."""
        return list(self._connection.execute(text(query)))

    def of(self, *kinds: type[Message]) -> list[Any]:
        """The messages of some kinds, in order."""
        return [message for message in self.events.values() if isinstance(message, kinds)]

    def _logged(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self._log}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()


async def look(settings: Settings, at: Callable[[Remains], Found]) -> Found:
    """What there is to see in what the controls with these settings have left by now."""
    engine = create_async_engine(_read_only(settings.database_url), poolclass=NullPool)
    async with engine.connect() as connection:
        return await connection.run_sync(lambda opened: at(Remains(opened, settings.event_log_file)))


def _read_only(url: str) -> str:
    """The URL by which SQLite leaves to the next control what a killed one has not tidied up."""
    return f"{url.replace(':///', ':///file:')}?mode=ro&uri=true" if url.startswith("sqlite") else url


def audit(remains: Remains, ledger: Mapping[str, Sequence[Entry]]) -> Findings:
    """Hold what remains against a ledger: every change has one event, and every event one effect, in order."""
    findings = Findings()
    _check_changes(findings, remains, ledger)
    _check_sign_ins(findings, remains)
    _check_groups(findings, remains)
    _check_sums(findings, remains)
    return findings


def _check_changes(findings: Findings, remains: Remains, ledger: Mapping[str, Sequence[Entry]]) -> None:
    told = defaultdict[str, list[Entry]](list)
    for message in remains.of(*PLAYBACK):
        topic = "movie-played" if isinstance(message, MoviePlayed) else "movie-paused"
        told[message.account_id].append(Entry(topic, message.session_id, str(round(1000 * message.position_seconds))))
    for message in remains.of(SubscriptionUpdated):
        told[message.account_id].append(Entry("subscription-updated", message.subscription_id, message.state))
    for account_id in ledger.keys() | told.keys():
        expected, found = ledger.get(account_id, ()), told[account_id]
        findings.count("events", Counter(map(str, expected)), Counter(map(str, found)))
        findings.order("event", expected, found)


def _check_sign_ins(findings: Findings, remains: Remains) -> None:
    """A caller who was cut off signs in once more, so the database alone knows how often that was."""
    opened = sorted(map(tuple, remains.rows("SELECT account_id, session_id FROM sessions")))
    told = [(message.account_id, message.session_id) for message in remains.of(UserAuthenticated)]
    audited = [row[0] for row in remains.rows("SELECT session_id FROM sign_ins")]
    findings.count("events", Counter(session for _, session in opened), Counter(session for _, session in told))
    findings.count("audits", Counter(session for _, session in opened), Counter(audited))
    by_account = sorted(told, key=lambda one: one[0])
    findings.order("sign-in", opened, by_account)


def _check_groups(findings: Findings, remains: Remains) -> None:
    done = defaultdict[str, Counter[str]](Counter)
    for group, event_id in remains.rows("SELECT consumer_group, event_id FROM handled_events"):
        done[group][event_id] += 1
    for group, kinds in GROUPS.items():
        due = Counter(event_id for event_id, message in remains.events.items() if isinstance(message, kinds))
        findings.count(group, due, done[group])


def _check_sums(findings: Findings, remains: Remains) -> None:
    """What consumers add up, and what they tell in turn: an event that took effect twice would show in it."""
    watched, seconds, begun, last = Counter[str](), defaultdict[str, float](float), Counter[str](), dict[str, float]()
    for message in remains.of(MoviePaused):
        watched[message.session_id] += round(1000 * message.watched_seconds)
        seconds[message.account_id] += message.watched_seconds
        last[message.account_id] = message.position_seconds
    for message in remains.of(MoviePlayed):
        begun[message.title_id] += message.started
    news = Counter(message.account_id for message in remains.of(HistoryUpdated))
    findings.count("news", Counter(message.account_id for message in remains.of(*PLAYBACK)), news)
    for what, expected, query in (
        ("milliseconds", watched, "SELECT session_id, watched_ms FROM plays"),
        ("plays", begun, "SELECT title_id, sum(plays) FROM play_days WHERE title_id <> '' GROUP BY title_id"),
        ("seconds", seconds, "SELECT account_id, watched_seconds FROM history"),
    ):
        findings.count(what, expected, dict(remains.rows(query)))
    resume = dict(remains.rows("SELECT account_id, position_seconds FROM history"))
    findings.order("resume point", sorted(last.items()), sorted(resume.items()))
