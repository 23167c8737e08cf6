"""Assets as they are stored: the versions of a title's media."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select

from control.database.engine import Connection
from control.database.tables import assets


@dataclass(frozen=True, slots=True)
class Asset:
    """One packaged version of a title's media; `size_bytes` is what all of its objects take."""

    asset_id: str
    title_id: str
    created_at: float
    duration_seconds: float = 0.0
    width: int = 0
    height: int = 0
    audio_languages: tuple[str, ...] = ()
    size_bytes: int = 0


async def add(connection: Connection, asset: Asset) -> None:
    """Record a new asset."""
    await connection.execute(insert(assets).values(_row(asset)))


async def find(connection: Connection, asset_id: str) -> Asset | None:
    """An asset."""
    row = (await connection.execute(select(assets).where(assets.c.asset_id == asset_id))).mappings().first()
    return None if row is None else _made(row)


async def lengths(connection: Connection, asset_ids: Collection[str]) -> dict[str, float]:
    """How long these assets are, in seconds."""
    query = select(assets.c.asset_id, assets.c.duration_seconds).where(assets.c.asset_id.in_(asset_ids))
    return {row.asset_id: row.duration_seconds for row in await connection.execute(query)}


async def of_title(connection: Connection, title_id: str) -> list[Asset]:
    """The assets of a title, newest first."""
    newest_first = (assets.c.created_at.desc(), assets.c.asset_id)
    rows = await connection.execute(select(assets).where(assets.c.title_id == title_id).order_by(*newest_first))
    return [_made(row) for row in rows.mappings()]


async def remove(connection: Connection, asset_id: str) -> None:
    """Forget an asset."""
    await connection.execute(delete(assets).where(assets.c.asset_id == asset_id))


def _row(asset: Asset) -> dict[str, Any]:
    return {**asdict(asset), "audio_languages": ",".join(asset.audio_languages)}


def _made(row: RowMapping) -> Asset:
    languages = tuple(filter(None, row["audio_languages"].split(",")))
    return Asset(**{**row, "audio_languages": languages})
