"""Controls that are killed under load, or the PostgreSQL that they share, and what that did to events."""

import asyncio
import os
import random
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

from control.database import accounts
from control.database.accounts import Account
from control.identifiers import new_id
from matinee.rpc.channel import open_channel
from matinee.settings import Settings, load_settings
from tests.audit import Findings, audit, look
from tests.control_house import QUICK_HASHER, running_control
from tests.ledger import PASSWORD, PLAN, Caller, Ledger, Line
from tests.offers import make_plan
from tests.patience import PATIENCE, until
from tests.services.postgresql import kill, postgresql
from tests.stack import ROOT

SETTINGS = {"MATINEE_PLAYBACK__IDLE_SECONDS": "3600", "MATINEE_TOKENS__ACCESS_MINUTES": "600"}
"""However long control is away, playback and sign-ins last: what becomes of them is another matter."""
PLAYERS = 8
NAMES = ["signing-in", "subscribing", *(f"playing-{number}" for number in range(PLAYERS))]
EMAILS = [f"{name}@example.org" for name in NAMES]
LONGEST_LIFE_SECONDS = 0.5
"""From when every control answers until one is killed, which is at some moment in between."""

ENOUGH = 500
"""So many changes are made before the database is killed, and after it is back."""

FILM_SECONDS = 3_600.0
"""Longer than anybody gets: what is finished has no resume point."""


@dataclass
class Count:
    """What kills did. `unsent` and `unnoted` are those that came between commit and send, and between send and note."""

    kills: int
    unsent: int = 0
    unnoted: int = 0
    events: int = 0
    findings: Findings = field(default_factory=Findings)

    def note(self, waiting: set[str], sent: set[str]) -> None:
        """A kill, at which these events lay in the outbox, and those on the bus."""
        self.unsent += bool(waiting - sent)
        self.unnoted += bool(waiting & sent)


class Control:
    """A control as an operator runs it, in a folder of its own; callers have it on the line while it lives."""

    def __init__(self, data: Path, environment: dict[str, str], line: Line) -> None:
        self._settings = load_settings(data=data)
        self._environment = {**os.environ, **environment, "MATINEE_DATA": str(data)}
        self._line = line
        self._life = AsyncExitStack()

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        process = await self._life.enter_async_context(self._process())
        channel = await self._life.enter_async_context(open_channel(self._settings.control_address))
        async with asyncio.timeout(PATIENCE):
            await channel.channel_ready()
        await self._life.enter_async_context(self._line.connected(channel))
        self._life.callback(process.kill)

    async def kill(self) -> None:
        """Kill it, if it lives, and wait until what it leaves unanswered has failed."""
        await self._life.aclose()

    @asynccontextmanager
    async def _process(self) -> AsyncIterator[Process]:
        self._settings.data.mkdir(exist_ok=True)
        with (self._settings.data / "control.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "matinee", "control", cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def kill_repeatedly(
    folder: Path, database_url: str, kills: int, moments: random.Random, *, controls: int = 1
) -> Count:
    """Kill one control after the other at some moment and start it again; then let everything be handled, and count."""
    settings, count = load_settings(data=folder, database={"url": database_url}), Count(kills)
    async with _under_load(settings, controls, count) as load:
        for control in islice(cycle(load.house), kills):
            await asyncio.sleep(moments.uniform(0, LONGEST_LIFE_SECONDS))
            killed = new_id(time.time)
            # At once: another control soon sends what this one has not.
            _, (waiting, sent) = await asyncio.gather(
                control.kill(), look(settings, lambda left: (left.waiting, left.sent))
            )
            count.note({event_id for event_id in waiting if event_id < killed}, sent)
            await control.start()
    return count


async def go_without(folder: Path, server: Path, away_seconds: float) -> tuple[Count, float]:
    """Kill the PostgreSQL of two controls, start it again after a while, let everything be handled, and count.

    `server` is its folder. Gives the seconds, too, from when it was there again until a change was made.
    """
    count = Count(1)
    with ExitStack() as servers:
        url = await asyncio.to_thread(servers.enter_context, postgresql(server))
        settings = load_settings(data=folder, database={"url": url})
        async with _under_load(settings, 2, count) as load:
            await until(lambda: load.ledger.length > ENOUGH)
            await asyncio.to_thread(kill, server)
            await asyncio.sleep(away_seconds)
            await asyncio.to_thread(servers.enter_context, postgresql(server))
            known, there_again = load.ledger.length, time.monotonic()
            await until(lambda: load.ledger.length > known)
            recovered_after = time.monotonic() - there_again
            await until(lambda: load.ledger.length > known + ENOUGH)
    return count, recovered_after


@dataclass
class _Load:
    """The controls, and what was committed for their callers."""

    house: list[Control]
    ledger: Ledger


@asynccontextmanager
async def _under_load(settings: Settings, controls: int, count: Count) -> AsyncIterator[_Load]:
    """So many controls with callers; at the end everything is handled, and counted."""
    title_id = await _prepare(settings)
    line, ledger = Line(), Ledger()
    house = [Control(settings.data / str(number + 1), _shared(settings), line) for number in range(controls)]
    signing_in, subscribing, *playing = [Caller(line, ledger, email, title_id) for email in EMAILS]
    work = [signing_in.keep_signing_in, subscribing.keep_subscribing, *(caller.keep_playing for caller in playing)]
    async with asyncio.TaskGroup() as tasks, _running(house):
        calling = [tasks.create_task(each()) for each in work]
        yield _Load(house, ledger)
        line.closing = True
        await asyncio.wait(calling)
        await until(lambda: _settled(settings))
        count.events, count.findings = await look(
            settings, lambda left: (len(left.events), audit(left, ledger.entries))
        )


async def _prepare(settings: Settings) -> str:
    """Have a title that can be played, a plan, and the accounts of the callers."""
    async with running_control(settings.data, database={"url": settings.database_url}) as house:
        await make_plan(house, PLAN)
        async with house.written() as connection:
            for email in EMAILS:
                hashed = QUICK_HASHER.hash(PASSWORD)
                account = Account(new_id(house.clock), email, hashed, "viewer", house.clock())
                await accounts.add(connection, account)
        uploaded = await house.upload()
        await house.publish(await house.leased(), duration_seconds=FILM_SECONDS)
        return uploaded.title_id


def _shared(settings: Settings) -> dict[str, str]:
    """What every control of a house is told."""
    return {
        **SETTINGS,
        "MATINEE_DATABASE__URL": settings.database_url,
        "MATINEE_EVENTS__URL": f"sqlite:///{settings.event_log_file}",
        "MATINEE_STORE__URL": settings.store_url,
        "MATINEE_CONTROL__SECRET_FILE": str(settings.service_token_file),
    }


@asynccontextmanager
async def _running(controls: list[Control]) -> AsyncIterator[None]:
    try:
        await asyncio.gather(*(control.start() for control in controls))
        yield
    finally:
        for control in controls:
            await control.kill()


async def _settled(settings: Settings) -> bool:
    """Whether every event has been sent and handled, those too that handling others has caused."""
    before = await look(settings, lambda left: left.progress)
    waiting, _, behind = after = await look(settings, lambda left: left.progress)
    return before == after and not waiting and not behind
