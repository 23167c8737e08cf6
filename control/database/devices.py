"""Devices on which accounts have played."""

from dataclasses import asdict, dataclass

from sqlalchemy import delete, insert, select, update

from control.database.engine import Connection
from control.database.tables import devices


@dataclass(frozen=True, slots=True)
class Device:
    """A device of an account, by the id that its player uses for itself. Times are Unix seconds."""

    account_id: str
    device_id: str
    name: str
    first_used_at: float
    last_used_at: float


async def of_account(connection: Connection, account_id: str) -> list[Device]:
    """The devices of an account, latest use first."""
    query = select(devices).where(devices.c.account_id == account_id)
    rows = await connection.execute(query.order_by(devices.c.last_used_at.desc(), devices.c.device_id))
    return [Device(**row) for row in rows.mappings()]


async def add(connection: Connection, device: Device) -> None:
    """Record a new device."""
    await connection.execute(insert(devices).values(asdict(device)))


async def used(connection: Connection, account_id: str, device_id: str, name: str, now: float) -> None:
    """Note that a device is in use, and what it is called now."""
    chosen = (devices.c.account_id == account_id) & (devices.c.device_id == device_id)
    await connection.execute(update(devices).where(chosen).values(name=name, last_used_at=now))


async def remove(connection: Connection, account_id: str, device_id: str) -> bool:
    """Forget a device; False when there was none."""
    chosen = (devices.c.account_id == account_id) & (devices.c.device_id == device_id)
    return (await connection.execute(delete(devices).where(chosen))).rowcount > 0
