"""What players report, on its way to control: kept for a moment, parsed, and sent in batches.

The media route hands records over as they came and goes on; they are parsed here, a few at a time. While control is
away they are kept as far as there is room, for all and for each playback session, and after that they are dropped and
counted. A batch whose answer is lost is sent again: whoever reads reports knows them apart. Control tells which
sessions have ended; of these, last words are taken for a while, and then no more.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

import structlog
from google.protobuf.timestamp_pb2 import Timestamp

from edge.cmcd.report import LONGEST_RECORD, Malformed, Mode, parse_report
from matinee.errors import MatineeError, Unavailable
from matinee.rpc.call_errors import translated
from matinee.rpc.channel import Channel
from matinee.rpc.metadata import service_metadata
from matinee.tokens import Clock
from protos.v1.events_pb2 import CmcdReport, PlaybackMetrics
from protos.v1.metrics_pb2 import PublishMetricsRequest
from protos.v1.metrics_pb2_grpc import MetricsServiceStub

DEADLINE_SECONDS = 5.0
SEND_SECONDS = 1.0
SEND_BYTES = 256 * 1024
"""Records are sent before SEND_SECONDS have passed when there are so many."""
ROOM_BYTES = 4 * 1024**2
"""For all records that wait."""
SESSION_BYTES = 128 * 1024
"""For those of one playback session."""
RECORD_BYTES = 128
"""What a record takes beside its own bytes, here and on the wire."""
MOST_SESSIONS = 1_000
MOST_REPORTS = 1_000
LAST_WORDS_SECONDS = 30.0
"""How long after the news of its end a session's events are taken: a player notices that, and tells how it ended."""
MOST_ENDED = 10_000
"""Sessions of which it is remembered that they have ended; of others control tells it again."""
AT_A_TIME = 20
"""Records that are parsed before others have their turn."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Record:
    """A report as it came, at `taken_at` (Unix seconds)."""

    taken_at: float
    mode: Mode
    text: bytes

    @property
    def size(self) -> int:
        """What it takes of the room, in bytes."""
        return len(self.text) + RECORD_BYTES


@dataclass(slots=True)
class _Waiting:
    """The records of one playback session that have not been sent."""

    records: list[Record] = field(default_factory=list)
    size: int = 0


class Metrics:
    """Takes reports at any time; `run` sends them."""

    def __init__(self, channel: Channel, service_token: str, edge_id: str, clock: Clock = time.time) -> None:
        self._control = MetricsServiceStub(channel)
        self._metadata = service_metadata(service_token)
        self._edge_id = edge_id
        self._clock = clock
        self._waiting: dict[str, _Waiting] = {}
        self._size = 0
        self._enough = asyncio.Event()
        self._over_from: dict[str, float] = {}
        self._dropped: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        """Reports that were dropped since the start, by reason."""

    def take(self, session_id: str, mode: Mode, text: bytes) -> bool:
        """Take one report of a playback session; False when there is no room, and it is dropped."""
        record = Record(self._clock(), mode, text)
        waiting = self._waiting.get(session_id) or _Waiting()
        if len(text) > LONGEST_RECORD:
            self._drop("malformed")
            return False
        if self._size + record.size > ROOM_BYTES or waiting.size + record.size > SESSION_BYTES:
            self._drop("crowded_out")
            return False
        self._waiting[session_id] = waiting
        waiting.records.append(record)
        waiting.size += record.size
        self._size += record.size
        if self._size > SEND_BYTES:
            self._enough.set()
        return True

    def leave_out(self, malformed: int) -> None:
        """Count what came as reports and is none."""
        if malformed:
            self._drop("malformed", malformed)

    def is_over(self, session_id: str) -> bool:
        """Whether nothing more is wanted of a playback session, which has ended a while ago."""
        return self._over_from.get(session_id, math.inf) <= self._clock()

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the reports that have not been sent."""
        return self._size

    async def run(self) -> None:
        """Send what was taken, until cancelled."""
        task = asyncio.current_task()
        # gRPC may answer a cancellation with the call's own failure, when both come at once.
        while task is not None and not task.cancelling():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), SEND_SECONDS)
            try:
                await self.flush()
            except Unavailable as error:
                log.warning("players' reports could not be sent yet", reason=str(error))
                await asyncio.sleep(SEND_SECONDS)

    async def flush(self) -> None:
        """Send all that waits. Raises `Unavailable`, and keeps then what was not sent."""
        self._enough.clear()
        while self._waiting:
            chosen = islice(self._waiting.items(), MOST_SESSIONS)
            batch = {session_id: waiting.records[:MOST_REPORTS] for session_id, waiting in chosen}
            reports = {session_id: await _parsed(records) for session_id, records in batch.items()}
            try:
                await self._send(reports)
            except Unavailable:
                raise
            except MatineeError as error:  # the same again would be refused again
                log.error("control refused players' reports", reason=str(error))
            self._forget(batch)
            self.leave_out(_count(batch) - _count(reports))  # not before: what waits is parsed at each attempt
        if self._dropped:
            log.warning("players' reports were dropped", **self._dropped)
            self._dropped.clear()

    async def _send(self, reports: Mapping[str, Sequence[CmcdReport]]) -> None:
        metrics = [PlaybackMetrics(session_id=session_id, reports=each) for session_id, each in reports.items() if each]
        if metrics:
            request = PublishMetricsRequest(edge_id=self._edge_id, metrics=metrics)
            async with translated():
                reply = await self._control.PublishMetrics(request, metadata=self._metadata, timeout=DEADLINE_SECONDS)
            self._note_ends(reply.ended_session_ids)

    def _note_ends(self, session_ids: Iterable[str]) -> None:
        for session_id in session_ids:
            self._over_from.setdefault(session_id, self._clock() + LAST_WORDS_SECONDS)
        for oldest in list(islice(self._over_from, max(0, len(self._over_from) - MOST_ENDED))):
            del self._over_from[oldest]

    def _drop(self, reason: str, count: int = 1) -> None:
        self._dropped[reason] += count
        self.dropped[reason] += count

    def _forget(self, batch: Mapping[str, Sequence[Record]]) -> None:
        for session_id, records in batch.items():
            waiting, size = self._waiting[session_id], _size(records)
            del waiting.records[: len(records)]
            waiting.size -= size
            self._size -= size
            if not waiting.records:
                del self._waiting[session_id]


async def _parsed(records: Sequence[Record]) -> list[CmcdReport]:
    """The reports in records; what is malformed is none."""
    reports = []
    for number, record in enumerate(records, 1):
        with suppress(Malformed):
            reports.append(_report(record))
        if number % AT_A_TIME == 0:
            await asyncio.sleep(0)
    return reports


def _count(batch: Mapping[str, Sequence[object]]) -> int:
    return sum(map(len, batch.values()))


def _size(records: Iterable[Record]) -> int:
    return sum(record.size for record in records)


def _report(record: Record) -> CmcdReport:
    report = parse_report(record.text, record.mode)
    taken_at = Timestamp()
    taken_at.FromMicroseconds(round(record.taken_at * 1_000_000))
    return CmcdReport(
        received_at=taken_at,
        version=report.version,
        mode=report.mode.value,
        timestamp=report.timestamp,
        event=report.event,
        state=report.state,
        keys=report.keys,
    )
