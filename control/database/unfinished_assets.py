"""Assets whose objects are being written: noted before the first, forgotten when published, taken when given up."""

from sqlalchemy import delete, exists

from control.database import upsert
from control.database.engine import Connection
from control.database.jobs import UNDER_WAY
from control.database.tables import assets, jobs, unfinished_assets


async def note(connection: Connection, asset_id: str, job_id: str, now: float) -> None:
    """Note that a job begins to write an asset, or does so again."""
    values = {"job_id": job_id, "begun_at": now}
    noted = upsert.insert(connection, unfinished_assets).values(asset_id=asset_id, **values)
    await connection.execute(noted.on_conflict_do_update(index_elements=["asset_id"], set_=values))


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
