"""A control that is killed under load, again and again, and what that did to events."""

import asyncio
import os
import random
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from control.database import accounts
from control.database.accounts import Account
from control.identifiers import new_id
from matinee.rpc import open_channel
from matinee.settings import Settings, load_settings
from tests.audit import Findings, Remains, audit
from tests.control_house import QUICK_HASHER, running_control
from tests.ledger import PASSWORD, PLAN, Caller, Ledger, Line
from tests.offers import make_plan
from tests.patience import PATIENCE, until
from tests.stack import ROOT

SETTINGS = {"MATINEE_PLAYBACK__IDLE_SECONDS": "3600", "MATINEE_TOKENS__ACCESS_MINUTES": "600"}
"""However long control is away, playback and sign-ins last: what becomes of them is another matter."""
PLAYERS = 8
NAMES = ["signing-in", "subscribing", *(f"playing-{number}" for number in range(PLAYERS))]
EMAILS = [f"{name}@example.org" for name in NAMES]
LONGEST_LIFE_SECONDS = 0.5
"""Of a process from when it answers; it is killed at some moment in between."""


@dataclass
class Count:
    """What kills did. `unsent` and `unnoted` are those that came between commit and send, and between send and note."""

    kills: int
    unsent: int = 0
    unnoted: int = 0
    events: int = 0
    findings: Findings = field(default_factory=Findings)


async def kill_repeatedly(folder: Path, kills: int, moments: random.Random) -> Count:
    """Start control and kill it at some moment, again and again; then let everything be handled, and count."""
    title_id = await _prepare(folder)
    settings, line, ledger, count = load_settings(data=folder), Line(), Ledger(), Count(kills)
    signing_in, subscribing, *playing = [Caller(line, ledger, email, title_id) for email in EMAILS]
    work = [signing_in.keep_signing_in, subscribing.keep_subscribing, *(caller.keep_playing for caller in playing)]
    async with asyncio.TaskGroup() as tasks:
        calling = [tasks.create_task(each()) for each in work]
        for _ in range(kills):
            async with _running(settings, line) as process:
                await asyncio.sleep(moments.uniform(0, LONGEST_LIFE_SECONDS))
                process.kill()
            left = Remains(folder)
            count.unsent += bool(left.waiting - left.events.keys())
            count.unnoted += bool(left.waiting & left.events.keys())
        line.closing = True
        async with _running(settings, line) as process:
            await asyncio.wait(calling)
            await until(lambda: _settled(folder))
            process.terminate()
    remains = Remains(folder)
    count.events, count.findings = len(remains.events), audit(remains, ledger.entries)
    return count


async def _prepare(folder: Path) -> str:
    """Have a title that can be played, a plan, and the accounts of the callers."""
    async with running_control(folder) as house:
        await make_plan(house, PLAN)
        async with house.written() as connection:
            for email in EMAILS:
                hashed = QUICK_HASHER.hash(PASSWORD)
                account = Account(new_id(house.clock), email, hashed, "viewer", house.clock())
                await accounts.add(connection, account)
        return await house.film()


@asynccontextmanager
async def _running(settings: Settings, line: Line) -> AsyncIterator[Process]:
    """Control as an operator runs it, until it has ended; the context lets it end."""
    environment = {**os.environ, **SETTINGS, "MATINEE_DATA": str(settings.data)}
    with (settings.data / "control.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "matinee", "control", cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        async with open_channel(settings.control_address) as channel:
            async with asyncio.timeout(PATIENCE):
                await channel.channel_ready()
            async with line.connected(channel):
                yield process
                await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _settled(folder: Path) -> bool:
    """Whether every event has been sent, and nothing more is handled."""
    query = "SELECT count(*) FROM handled_events"
    before = Remains(folder)
    await asyncio.sleep(0.5)
    after = Remains(folder)
    return not after.waiting and before.events.keys() == after.events.keys() and before.rows(query) == after.rows(query)
