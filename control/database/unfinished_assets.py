"""Assets whose objects are being written: noted before the first, forgotten when published, taken when given up."""

from sqlalchemy import delete, exists, insert

from control.database.engine import Connection
from control.database.jobs import UNDER_WAY
from control.database.tables import assets, jobs, unfinished_assets


async def note(connection: Connection, asset_id: str, job_id: str, now: float) -> None:
    """Note that a job begins to write an asset, or does so again."""
    await forget(connection, asset_id)
    await connection.execute(insert(unfinished_assets).values(asset_id=asset_id, job_id=job_id, begun_at=now))


async def forget(connection: Connection, asset_id: str) -> None:
    """Forget an asset that is finished."""
    await connection.execute(delete(unfinished_assets).where(unfinished_assets.c.asset_id == asset_id))


async def take_abandoned(connection: Connection, before: float) -> list[str]:
    """Forget the assets begun before a moment that their jobs will not finish any more, and answer with their ids."""
    query = delete(unfinished_assets).where(
        unfinished_assets.c.begun_at < before,
        ~exists().where(jobs.c.job_id == unfinished_assets.c.job_id, jobs.c.state.in_(UNDER_WAY)),
        ~exists().where(assets.c.asset_id == unfinished_assets.c.asset_id),
    )
    return list(await connection.scalars(query.returning(unfinished_assets.c.asset_id)))
