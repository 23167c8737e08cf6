"""Whoever can write to the bus can write anything there: what consumers cannot act on is refused, at once and for ever.

What a consumer raises and is not `InvalidInput` is tried again and again, and the events behind it wait.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from control import event_data
from control.accounts.mail.letters import Letters
from control.accounts.mail.postbox import Postbox
from control.accounts.mail.transport import ConsoleTransport
from control.accounts.post_login import PostLogin
from control.analytics import history, quality
from control.analytics.plays import STATISTICS
from control.database import Database, accounts
from control.events.consumer import BatchConsumer, Consumer
from control.events.runner import AHEAD_SECONDS, LONGEST_REASON, Runner, topic_of
from control.identifiers import new_id
from control.playback.access import Access
from control.playback.announcer import Announcer
from control.playback.consumers import access_sync
from matinee.bus import Event, EventBus
from matinee.errors import InvalidInput
from matinee.settings import PlaybackSettings, SubscriptionSettings
from protos.v1 import events_pb2
from protos.v1.events_pb2 import CmcdReport, MoviePaused, MoviePlayed, PlaybackMetrics
from tests.viewing import opened

pytestmark = pytest.mark.anyio

KINDS: list[type[Message]] = [
    kind
    for kind in (getattr(events_pb2, name) for name in events_pb2.DESCRIPTOR.message_types_by_name)
    if topic_of(kind)
]
NOW = 1_795_780_800.0
ACCOUNT, TITLE = "a" + "0" * 25, "t" + "0" * 25
LONG_AGO, LATELY = new_id(lambda: 0.0), new_id(lambda: NOW - 3_600)
LARGEST = "999999999999999"

TEXTS = st.sampled_from(["", "\0", "x" * 1_000_000, "p", "ä" * 27]) | st.text()
PLAUSIBLE = {
    "asset_id": st.just("a" * 26),
    "session_id": st.sampled_from([LONG_AGO, LATELY]),
    "account_id": st.just(ACCOUNT),
    "title_id": st.just(TITLE),
    "mode": st.sampled_from(["event", "request"]),
    "state": st.sampled_from("spkrawefqd"),
}
MOMENTS = st.builds(
    Timestamp,
    seconds=st.sampled_from([-62_135_596_800, -1, 0, int(NOW), int(NOW) + 2 * AHEAD_SECONDS, 253_402_300_799]),
    nanos=st.sampled_from([0, 1, 999_999_999]),
)
LENGTHS = st.sampled_from([0.0, -0.0, 1.0, -1.0, 3_600.0, 1e308, 5e-324, float("inf"), float("nan")]) | st.floats()
KEYS = st.sampled_from(["br", "pb", "bl", "d", "msd", "bsd", "dfa", "sn", "ec", "ot", "bs", "x-y"])
VALUES = (
    st.sampled_from([LARGEST, f"({LARGEST};v 1;a)", "?1", "v", "-1", '"', "1.5", "\0", "()", "(1 2", ""]) | st.text()
)
SCALARS = {
    FieldDescriptor.CPPTYPE_STRING: TEXTS,
    FieldDescriptor.CPPTYPE_DOUBLE: LENGTHS,
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
}


def values(field: Any) -> st.SearchStrategy[Any]:
    if field.message_type and field.message_type.GetOptions().map_entry:
        return st.dictionaries(KEYS, VALUES, max_size=4)
    if field.is_repeated:
        return st.lists(messages(CmcdReport), max_size=4)
    if field.message_type:
        return MOMENTS
    plausible, hostile = PLAUSIBLE.get(field.name), SCALARS[field.cpp_type]
    return hostile if plausible is None else st.one_of(plausible, plausible, plausible, hostile)


def messages(kind: type[Message]) -> st.SearchStrategy[Message]:
    return st.builds(kind, **{field.name: values(field) for field in kind.DESCRIPTOR.fields})


NESTED, HALVED = b"[" * 100_000, b'{"account_id": "\\ud800"}'
ODD_DATA = st.binary() | st.sampled_from([NESTED, HALVED, b'{"time": "1"}', b"1e999", b"{}"])
EVENTS = st.sampled_from(KINDS).flatmap(
    lambda kind: st.tuples(st.just(kind), messages(kind).map(event_data.encoded) | ODD_DATA)
)


def report(**told: Any) -> CmcdReport:
    return CmcdReport(received_at=Timestamp(seconds=int(NOW)), **told)


def reported(*reports: CmcdReport, session_id: str = LONG_AGO) -> tuple[type[Message], bytes]:
    return PlaybackMetrics, event_data.encoded(PlaybackMetrics(session_id=session_id, reports=reports))


def stretch(**told: Any) -> tuple[type[Message], bytes]:
    of = {"account_id": ACCOUNT, "title_id": TITLE, "session_id": LATELY, **told}
    return MoviePaused, event_data.encoded(MoviePaused(**of))


@dataclass(frozen=True)
class Desk:
    """All consumers of control, on a database in which one account and one title are known."""

    runners: Sequence[tuple[Consumer | BatchConsumer, Runner]]

    async def take(self, kind: type[Message], data: bytes) -> None:
        """Hand an event to everybody who acts on its kind. Raises what cannot be refused."""
        event = Event(new_id(time.time), topic_of(kind), "", NOW, data)
        for consumer, runner in self.runners:
            if kind in consumer.kinds:
                try:
                    await runner.handle([event])
                except InvalidInput as error:
                    sentence = str(error)
                    assert 0 < len(sentence) < LONGEST_REASON


@pytest.fixture
async def desk(database: Database, bus: EventBus) -> Desk:
    await opened(database, 1, 1)
    async with database.write() as connection:
        await accounts.logged_in(connection, ACCOUNT, 1.0)

    async def nothing(*_: object) -> None:
        """Nobody listens."""

    announcer = Announcer(database, lambda: NOW, nothing, nothing, grant_seconds=60)
    letters = Letters("https://films.example.org", confirmation_hours=24, reset_minutes=60)
    postbox = Postbox(database, ConsoleTransport(), "films@example.org", lambda: NOW)
    consumers = (
        access_sync(Access(SubscriptionSettings(), PlaybackSettings(), lambda: NOW), announcer),
        quality.CONSUMER,
        history.consumer(lambda: NOW),
        STATISTICS,
        PostLogin(letters, postbox).consumer,
    )
    return Desk([(each, Runner(each, database, bus, lambda: NOW)) for each in consumers])


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(EVENTS)
@example(stretch(time=Timestamp(seconds=-1)))
@example(stretch(position_seconds=1e308, duration_seconds=1e308, watched_seconds=1))
@example(stretch(position_seconds=float("nan"), time=Timestamp(seconds=1)))
@example(stretch(session_id="x" * 1_000_000, time=Timestamp(seconds=1)))
@example(stretch(session_id="\0", time=Timestamp(seconds=1)))
@example((MoviePlayed, NESTED))
@example((MoviePlayed, HALVED))
@example(reported(report(mode="request", keys={"dfa": LARGEST})))
@example(reported(report(mode="request", keys={"br": '"'})))
@example(reported(report(mode="request", keys={"br": "(1 2"}), session_id="x"))
@example(reported(*(report(mode="event", timestamp=600_000 * n, state="p", keys={"br": LARGEST}) for n in range(20))))
async def test_an_event_however_hostile_is_acted_on_or_refused(desk: Desk, event: tuple[type[Message], bytes]) -> None:
    await desk.take(*event)
