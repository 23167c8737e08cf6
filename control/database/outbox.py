"""The transactional outbox: an event is written with the change that causes it, and sent afterwards."""

from google.protobuf.message import Message
from sqlalchemy import insert

from control.database.engine import Connection
from control.database.tables import outbox
from control.identifiers import new_id
from matinee.tokens import Clock
from protos.v1 import events_pb2


async def record(connection: Connection, message: Message, clock: Clock) -> None:
    """Note an event of `protos/v1/events.proto` in the transaction of its cause; its contract names topic and key."""
    options = message.DESCRIPTOR.GetOptions().Extensions
    values = {
        "event_id": new_id(clock),
        "topic": options[events_pb2.topic],
        "key": getattr(message, options[events_pb2.key]),
        "time": clock(),
        "data": message.SerializeToString(deterministic=True),
    }
    await connection.execute(insert(outbox).values(values))
