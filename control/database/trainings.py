"""The training of recommendations that goes on, or the last one: there is one at a time, whoever runs it."""

from dataclasses import asdict, dataclass

from sqlalchemy import select, update

from control.database.engine import Connection
from control.database.tables import training


@dataclass(frozen=True, slots=True)
class Training:
    """When it was begun and has ended, in Unix seconds, and why it failed; all of it 0 and empty before the first one.

    `told_at` is when who learns last told that they do, 0 while nobody has taken it up.
    """

    begun_at: float = 0.0
    told_at: float = 0.0
    ended_at: float = 0.0
    failure: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether it was begun, and has not ended."""
        return self.ended_at < self.begun_at


async def last(connection: Connection, *, lock: bool = False) -> Training:
    """The training that goes on, or the last one; with `lock` nobody else changes it before this transaction ends."""
    query = select(training.c.begun_at, training.c.told_at, training.c.ended_at, training.c.failure)
    row = (await connection.execute(query.with_for_update() if lock else query)).one()
    return Training(*row)


async def put(connection: Connection, changed: Training) -> None:
    """Record what has become of it."""
    await connection.execute(update(training).values(asdict(changed)))


async def tell(connection: Connection, begun_at: float, now: float) -> None:
    """Record that somebody learns, as long as it is the training that was begun then."""
    going_on = (training.c.begun_at == begun_at) & (training.c.ended_at < training.c.begun_at)
    await connection.execute(update(training).where(going_on).values(told_at=now))


async def end(connection: Connection, begun_at: float, now: float, failure: str) -> None:
    """Record the end of the training that was begun then, and why it failed; nothing when it is not the last one."""
    await connection.execute(
        update(training).where(training.c.begun_at == begun_at).values(ended_at=now, failure=failure)
    )
