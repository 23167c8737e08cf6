"""Control that is away while an edge serves, and disks that are full: `python -m bench.outages`."""

import asyncio
import json
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

from bench.table import show
from protos.v1.jobs_pb2 import JobState
from tests import playhouse, studio
from tests.databases import sqlite_url
from tests.films import film
from tests.patience import until
from tests.playhouse import Playhouse
from tests.small_disk import on_a_small_disk, seen_by
from tests.tus import create, offset_of, patch

KIB, MIB = 1024, 1024**2
TRIES = 10
JOBS: dict[str, dict[str, Any]] = {"worker": {"executor": "threads://2"}, "ladder": {"preset": "ultrafast"}}


async def control_away(data: Path) -> list[str]:
    """Kill control, watch until the grant ends, and start control again."""
    async with playhouse.opened(data) as house:
        watched, answers, refused = await house.play(), Counter[int](), Counter[int]()
        answers[await _range(house, watched)] += 1
        await house.end("control", signal.SIGKILL)
        began = time.monotonic()
        while answers.keys() == {206}:
            answers[await _range(house, watched)] += 1
            refused[(await house.client.post(house.play_path, headers=house.bearer)).status_code] += 1
        went_on, again = time.monotonic() - began, time.monotonic()
        await house.start("control")
        answered = time.monotonic()

        async def well() -> bool:
            played = await house.client.post(house.play_path, headers=house.bearer)
            return played.is_success and await _range(house, watched) == 206

        await until(well)
        back = time.monotonic()
    return [
        "control killed (-9), `tokens.grant_seconds` 60",
        f"{answers[206]:,} ranges answered in {went_on:.0f} s, none failed; then 503. New sessions: {_told(refused)}",
        f"{back - again:.1f} s after control was started, {1000 * (back - answered):.0f} ms after it answered",
    ]


async def worker_disk(data: Path) -> list[str]:
    """Fill the disk of a worker's scratch, give it a film, and make room."""
    source = film(data / "film.mp4", seconds=12).read_bytes()
    async with studio.opened(data, **JOBS) as house:
        scratch = data / "scratch"
        worker = await house.hire(*on_a_small_disk(scratch, 32 * MIB))
        filler = await _filled(worker.pid, scratch, leave=100 * KIB)
        job, began = await house.upload(source), time.monotonic()

        async def state() -> int:
            return (await house.job(job.job_id)).state

        async def given_back() -> bool:
            return bool((await house.job(job.job_id)).message) and await state() == JobState.JOB_STATE_QUEUED

        async def published() -> bool:
            return await state() == JobState.JOB_STATE_PUBLISHED

        await until(given_back)
        gave_back = time.monotonic() - began
        await until(lambda: seen_by(worker.pid, scratch) == [filler])
        filler.unlink()
        room = time.monotonic()
        await until(published, 180)
    return [
        "scratch of a worker full",
        f"job given back after {gave_back:.1f} s, nothing left of it in scratch, the worker lives",
        f"published by the same worker {time.monotonic() - room:.1f} s after there was room",
    ]


async def control_disk(data: Path) -> list[str]:
    """Fill the disk of control's database, sign in and ask for lists, and make room."""
    database = data / "database"
    async with playhouse.opened(data) as house:
        await house.end("control")
        house.environment["MATINEE_DATABASE__URL"] = sqlite_url(database / "matinee.db")
        await house.start("control", *on_a_small_disk(database, 8 * MIB))
        await until(house.ready)
        house.bearer = await house.sign_in()
        filler = await _filled(house.running["control"].pid, database, leave=0)
        written, read = Counter[int](), Counter[int]()
        admin = json.loads((data / "admin.json").read_text())

        async def sign_in() -> int:
            return (await house.client.post("/api/v1/auth:login", json=admin)).status_code

        for _ in range(TRIES):
            written[await sign_in()] += 1
            read[(await house.client.get("/api/v1/titles", headers=house.bearer)).status_code] += 1
        filler.unlink()
        back = await _seconds_until(sign_in, 200)
    return [
        "disk of control's database (SQLite) full",
        f"sign-ins: {_told(written)}; lists: {_told(read)}",
        f"first sign-in answered {1000 * back:.0f} ms after there was room",
    ]


async def upload_disk(data: Path) -> list[str]:
    """Upload more than the store has room for, and make room."""
    async with playhouse.opened(data, UPLOADS__PART_BYTES=str(MIB)) as house:
        await house.end("edge")
        await house.start("edge", *on_a_small_disk(data / "objects" / "uploads", 4 * MIB))
        headers = {"tus-resumable": "1.0.0", **house.bearer}
        async with httpx.AsyncClient(base_url=house.client.base_url, headers=headers, trust_env=False) as client:
            first, second = await create(client, 3 * MIB), await create(client, 3 * MIB)
            await patch(client, first, 0, bytes(2 * MIB))
            refused = (await patch(client, second, 0, bytes(3 * MIB))).status_code
            kept = await offset_of(client, second)
            played = await _range(house, await house.play())
            await client.delete(first)
            room = time.monotonic()
            done = await patch(client, second, kept, bytes(3 * MIB - kept))
            assert done.is_success
    return [
        "disk of an edge's uploads full",
        f"upload {refused}, {kept // MIB} of 2 MiB that fitted kept; a viewer meanwhile {played}",
        f"went on from there, and was whole {1000 * (time.monotonic() - room):.0f} ms after there was room",
    ]


async def _range(house: Playhouse, folder: str) -> int:
    """How a range of a track in this signed folder is answered."""
    return (await house.client.get(f"{folder}v360.mp4", headers={"range": "bytes=0-999"})).status_code


async def _filled(pid: int, folder: Path, *, leave: int) -> Path:
    """Fill a process's own disk, once it has it, but for so many bytes; gives the file that does."""
    seen = Path(f"/proc/{pid}/root{folder}")
    await until(lambda: seen.stat().st_dev != folder.stat().st_dev)
    disk = os.statvfs(seen)
    filler = seen / "filler"
    filler.write_bytes(bytes(disk.f_bavail * disk.f_frsize - leave))
    return filler


async def _seconds_until(asked: Callable[[], Awaitable[int]], status: int) -> float:
    began = time.monotonic()

    async def answered() -> bool:
        return await asked() == status

    await until(answered)
    return time.monotonic() - began


def _told(answers: Counter[int]) -> str:
    return ", ".join(f"{count} times {status}" for status, count in sorted(answers.items()))


def main() -> None:
    """Print the table."""
    rows = []
    for outage in (control_away, worker_disk, control_disk, upload_disk):
        with tempfile.TemporaryDirectory(prefix="matinee-") as name:
            rows.append(asyncio.run(outage(Path(name))))
    show("Control away, and disks that are full", ["", "meanwhile", "and then"], rows)


if __name__ == "__main__":
    main()
