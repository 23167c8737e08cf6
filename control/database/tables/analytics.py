"""What was watched, and what is learnt from it."""

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, LargeBinary, Table, Text

from control.database.tables.metadata import Id, metadata

history = Table(
    "history",
    metadata,
    Column("account_id", Id, ForeignKey("accounts.account_id", ondelete="CASCADE"), primary_key=True),
    Column("title_id", Id, ForeignKey("titles.title_id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("entry_id", Id, nullable=False),
    Column("position_seconds", Double, nullable=False),
    Column("told_at", Double, nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("watched_seconds", Double, nullable=False),
    Column("watched_at", Double, nullable=False),
    Index("ix_history_latest", "account_id", "entry_id"),
)
"""What an account watched, one row for a title. `entry_id` grows with `watched_at`, and so orders what is shown.

`position_seconds` is the resume point, 0 without one; `told_at` says which event it is of. `finished`: at least once.
"""

forgotten = Table(
    "forgotten",
    metadata,
    Column("account_id", Id, primary_key=True),
    Column("title_id", Id, primary_key=True),
    Column("forgotten_at", Double, nullable=False, index=True),
)
"""When an account last took a title out of its history: what happened before, and is told late, is no part of it.

It goes with those events, and holds nobody up who deletes the account or the title meanwhile.
"""

recommendation_models = Table(
    "recommendation_models",
    metadata,
    Column("version", Id, primary_key=True),
    Column("accounts", Integer, nullable=False),
    Column("titles", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
"""What the history taught, and from how many accounts and titles: one row, which a newer version replaces."""

training = Table(
    "training",
    metadata,
    Column("training_id", Integer, primary_key=True, autoincrement=False),
    Column("begun_at", Double, nullable=False),
    Column("told_at", Double, nullable=False),
    Column("ended_at", Double, nullable=False),
    Column("failure", Text, nullable=False),
)
"""The training that goes on, or the last one: one row. `told_at` is when who learns last told that they do."""

plays = Table(
    "plays",
    metadata,
    Column("session_id", Id, primary_key=True),
    Column("title_id", Id, ForeignKey("titles.title_id", ondelete="CASCADE"), nullable=False),
    Column("account_id", Id, nullable=False),
    Column("day", Integer, nullable=False, index=True),
    Column("started", Boolean, nullable=False),
    Column("watched_ms", BigInteger, nullable=False),
    Column("reached_ppm", Integer, nullable=False),
    Index("ix_plays_viewers", "title_id", "account_id", "day", "started"),
)
"""The playback sessions that ever were; an account that is deleted keeps its plays, so that the figures stay."""

play_days = Table(
    "play_days",
    metadata,
    Column("title_id", Id, primary_key=True),
    Column("day", Integer, primary_key=True, index=True),
    Column("plays", BigInteger, nullable=False),
    Column("watched_ms", BigInteger, nullable=False),
    Column("reached_ppm", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""The sums of the plays of a title that began on a day; under no title those of all, removed ones too."""

account_days = Table(
    "account_days",
    metadata,
    Column("account_id", Id, primary_key=True),
    Column("day", Integer, primary_key=True, index=True),
    Column("plays", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""On which days an account played, and how often: none means that it was thought so."""

viewer_days = Table(
    "viewer_days",
    metadata,
    Column("title_id", Id, primary_key=True),
    Column("day", Integer, primary_key=True, index=True),
    Column("last_day", Integer, primary_key=True),
    Column("viewers", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""How many accounts played a title on a day, and before it last on `last_day`, -1 for never; under no title, anything.

An account that played on several days of a period counts for the first of them, where `last_day` lies before it.
"""
