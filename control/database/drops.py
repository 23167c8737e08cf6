"""Objects below `incoming/` that were taken: so each becomes one job, whoever finds it, and however often."""

from collections.abc import Collection

from sqlalchemy import delete, select

from control.database import upsert
from control.database.engine import Connection
from control.database.tables import drops, jobs
from control.jobs.job_states import State


async def note(connection: Connection, drop_id: str, now: float) -> bool:
    """Note that an object is taken; answer whether it was not before. Nobody else takes it in the meantime."""
    made = upsert.insert(connection, drops).values(drop_id=drop_id, taken_at=now)
    noted = await connection.execute(made.on_conflict_do_nothing().returning(drops.c.drop_id))
    return noted.first() is not None


async def taken(connection: Connection) -> dict[str, State | None]:
    """Those that were taken, each with how its job stands; None when that is gone with its title."""
    query = select(drops.c.drop_id, jobs.c.state).outerjoin(jobs, jobs.c.upload_id == drops.c.drop_id)
    rows = await connection.execute(query)
    return {drop_id: None if state is None else State(state) for drop_id, state in rows}


async def forget(connection: Connection, drop_ids: Collection[str], before: float) -> None:
    """Forget these, if they were taken before a moment: whoever has looked just then may not have seen younger ones."""
    await connection.execute(delete(drops).where(drops.c.drop_id.in_(drop_ids), drops.c.taken_at < before))
