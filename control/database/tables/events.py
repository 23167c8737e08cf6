"""Events that wait for the bus, and those that consumers have done."""

from sqlalchemy import BigInteger, Column, Double, Integer, LargeBinary, String, Table

from control.database.tables.metadata import Id, metadata

outbox = Table(
    "outbox",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("event_id", Id, nullable=False, unique=True),
    Column("topic", String(64), nullable=False),
    Column("key", String(64), nullable=False),
    Column("time", Double, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("refusal", String(500)),
    sqlite_autoincrement=True,
)
"""Events whose change is committed, until the bus has them; `refusal` says why it will not have one."""

handled_events = Table(
    "handled_events",
    metadata,
    Column("consumer_group", String(64), primary_key=True),
    Column("event_id", Id, primary_key=True),
    Column("handled_at", Double, nullable=False, index=True),
)
"""Which consumer group has done which event."""
