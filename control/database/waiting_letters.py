"""Letters that are written with the change that causes them, and sent afterwards."""

from dataclasses import asdict, dataclass

from sqlalchemy import delete, func, insert, select, update

from control.database.engine import Connection
from control.database.tables import waiting_letters


@dataclass(frozen=True, slots=True)
class WaitingLetter:
    """A letter, when it was posted, and when it is to be sent or tried again; times are Unix seconds.

    One without a recipient is for nobody, and is not sent.
    """

    letter_id: str
    recipient: str
    subject: str
    text: str
    posted_at: float
    due_at: float


async def add(connection: Connection, letter: WaitingLetter) -> None:
    """Note a letter in the transaction of its cause."""
    await connection.execute(insert(waiting_letters).values(asdict(letter)))


async def next_due(connection: Connection, most: int) -> list[WaitingLetter]:
    """The letters that are due first, whether their time has come or not; those due together in their order."""
    order = (waiting_letters.c.due_at, waiting_letters.c.letter_id)
    rows = await connection.execute(select(waiting_letters).order_by(*order).limit(most))
    return [WaitingLetter(**row) for row in rows.mappings()]


async def put_off(connection: Connection, letter_id: str, due_at: float) -> None:
    """Try a letter again at a moment."""
    chosen = waiting_letters.c.letter_id == letter_id
    await connection.execute(update(waiting_letters).where(chosen).values(due_at=due_at))


async def remove(connection: Connection, letter_id: str) -> None:
    """Forget a letter."""
    await connection.execute(delete(waiting_letters).where(waiting_letters.c.letter_id == letter_id))


async def count(connection: Connection) -> int:
    """How many letters wait that are for somebody."""
    query = select(func.count()).select_from(waiting_letters).where(waiting_letters.c.recipient != "")
    return int(await connection.scalar(query) or 0)
