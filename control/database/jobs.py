"""Jobs as they are stored."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping, Select, and_, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from control.database.engine import Connection
from control.database.tables import jobs, titles
from control.jobs.job import LONGEST_BACKOFF_SECONDS, Job
from control.jobs.job_states import State

WAITING = (State.QUEUED,)
HELD = (State.RUNNING, State.CANCELLING)
UNDER_WAY = WAITING + HELD


async def add_once(connection: Connection, job: Job) -> Job:
    """Record a new job, and answer with it; or with the job that its upload has already."""
    try:
        async with connection.begin_nested():
            await connection.execute(insert(jobs).values(asdict(job)))
    except IntegrityError:
        known = await of_upload(connection, job.upload_id)
        if known is None:
            raise
        return known
    return job


async def save(connection: Connection, job: Job) -> None:
    """Record what has become of a job."""
    await connection.execute(update(jobs).where(jobs.c.job_id == job.job_id).values(asdict(job)))


async def find(connection: Connection, job_id: str, *, lock: bool = False) -> Job | None:
    """A job; with `lock` nobody else changes it before this transaction ends."""
    query = select(jobs).where(jobs.c.job_id == job_id)
    return await _first(connection, query.with_for_update() if lock else query)


async def of_upload(connection: Connection, upload_id: str) -> Job | None:
    """The job of an upload."""
    return await _first(connection, select(jobs).where(jobs.c.upload_id == upload_id))


async def of_title(connection: Connection, title_id: str) -> list[Job]:
    """The jobs of a title; nobody else changes them before this transaction ends."""
    query = select(jobs).where(jobs.c.title_id == title_id).order_by(jobs.c.job_id)
    rows = await connection.execute(query.with_for_update())
    return [_made(row) for row in rows.mappings()]


async def next_due(connection: Connection, now: float) -> Job | None:
    """The oldest job that may be leased: it waits, or its lease has expired. Locked for this transaction.

    What waits for longer than any job does was put back before the clock was turned back.
    """
    turned_back = and_(jobs.c.state.in_(WAITING), jobs.c.due_at > now + LONGEST_BACKOFF_SECONDS)
    query = (
        select(jobs)
        .where(jobs.c.state.in_(UNDER_WAY), or_(jobs.c.due_at <= now, turned_back))
        .order_by(jobs.c.job_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return await _first(connection, query)


async def abandoned(connection: Connection, now: float) -> list[Job]:
    """The jobs that were asked to stop and whose leases have expired. Locked for this transaction."""
    query = select(jobs).where(jobs.c.state == State.CANCELLING, jobs.c.due_at <= now).order_by(jobs.c.job_id)
    rows = await connection.execute(query.with_for_update(skip_locked=True))
    return [_made(row) for row in rows.mappings()]


async def under_way(connection: Connection) -> dict[State, int]:
    """How many jobs wait, or are held by a worker."""
    query = select(jobs.c.state, func.count()).where(jobs.c.state.in_(UNDER_WAY)).group_by(jobs.c.state)
    counted = {State(state): count for state, count in await connection.execute(query)}
    return {state: counted.get(state, 0) for state in UNDER_WAY}


async def waiting_since(connection: Connection, now: float) -> float | None:
    """Since when the job waits that has waited for longest: it is due, or lacks what is no fault of its own."""
    since_when = func.coalesce(jobs.c.waits_since, jobs.c.due_at)
    query = select(func.min(since_when)).where(jobs.c.state.in_(WAITING), since_when <= now)
    since: float | None = await connection.scalar(query)
    return since


async def page(connection: Connection, before: str, size: int, *, waiting: bool = False) -> list[tuple[Job, str]]:
    """Up to `size` jobs older than the id `before` (empty: all), newest first, each with the name of its title.

    With `waiting` only those that wait for what is no fault of their own.
    """
    query = select(jobs, titles.c.name.label("title_name")).join(titles, titles.c.title_id == jobs.c.title_id)
    if before:
        query = query.where(jobs.c.job_id < before)
    if waiting:
        query = query.where(jobs.c.state.in_(UNDER_WAY), jobs.c.waits_since.is_not(None))
    rows = (await connection.execute(query.order_by(jobs.c.job_id.desc()).limit(size))).mappings()
    return [(_made(row), row["title_name"]) for row in rows]


async def _first(connection: Connection, query: Select[Any]) -> Job | None:
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _made(row)


def _made(row: RowMapping) -> Job:
    values = {column.name: row[column.name] for column in jobs.columns}
    return Job(**{**values, "state": State(values["state"])})
