"""Daily sums of what was played, and how well: from them all questions of statistics are answered.

Those that the database has already are made of its plays and playback sessions. As in `control.analytics`, lengths are
rounded to milliseconds, and start-ups counted by steps of 2 %.
"""

from collections import Counter
from collections.abc import Iterator
from math import log

import sqlalchemy as sa
from alembic import op

revision = "v0009"
down_revision = "v0008"

ROWS = 10_000
PLAYS = """
    INSERT INTO play_days (title_id, day, plays, watched_ms, reached_ppm)
    SELECT title_id, day, plays, watched_ms, reached_ppm FROM title_days
    UNION ALL
    SELECT '', day, SUM(plays), SUM(watched_ms), SUM(reached_ppm) FROM title_days GROUP BY day
"""
ACCOUNTS = """
    INSERT INTO account_days (account_id, day, plays)
    SELECT account_id, day, COUNT(*) FROM plays WHERE started GROUP BY account_id, day
"""
VIEWERS = """
    INSERT INTO viewer_days (title_id, day, last_day, viewers)
    SELECT title_id, day, last_day, COUNT(*) FROM (
        SELECT title_id, day, COALESCE(LAG(day) OVER (PARTITION BY title_id, account_id ORDER BY day), -1) AS last_day
        FROM (
            SELECT DISTINCT title_id, account_id, day FROM plays WHERE started
            UNION ALL
            SELECT '', account_id, day FROM account_days
        ) AS played
    ) AS visits GROUP BY title_id, day, last_day
"""
SESSIONS = """
    SELECT session_id, title_id, day, startup_seconds, played_seconds, rebuffer_seconds, average_bitrate
    FROM playback_quality WHERE session_id > :after ORDER BY session_id LIMIT :rows
"""


def upgrade() -> None:
    """Create the sums, fill them, and drop what was read instead of them."""
    _create_sums_of_plays()
    _create_sums_of_quality()
    for fill in (PLAYS, ACCOUNTS, VIEWERS):
        op.execute(fill)
    _fill_sums_of_quality()
    op.drop_table("title_days")
    op.drop_index("ix_plays_title_viewers", "plays")
    op.drop_index("ix_plays_viewers", "plays")
    op.drop_index("ix_playback_quality_title_id", "playback_quality")
    op.create_index("ix_plays_viewers", "plays", ["title_id", "account_id", "day", "started"])
    op.create_index(op.f("ix_plays_day"), "plays", ["day"])


def _create_sums_of_plays() -> None:
    op.create_table(
        "play_days",
        sa.Column("title_id", sa.String(length=26), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("plays", sa.BigInteger(), nullable=False),
        sa.Column("watched_ms", sa.BigInteger(), nullable=False),
        sa.Column("reached_ppm", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("title_id", "day", name="pk_play_days"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "account_days",
        sa.Column("account_id", sa.String(length=26), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("plays", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "day", name="pk_account_days"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "viewer_days",
        sa.Column("title_id", sa.String(length=26), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.Column("viewers", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("title_id", "day", "last_day", name="pk_viewer_days"),
        sqlite_with_rowid=False,
    )
    for table in ("play_days", "account_days", "viewer_days"):
        op.create_index(op.f(f"ix_{table}_day"), table, ["day"])


def _create_sums_of_quality() -> None:
    op.create_table(
        "quality_days",
        sa.Column("title_id", sa.String(length=26), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("played_ms", sa.BigInteger(), nullable=False),
        sa.Column("rebuffered_ms", sa.BigInteger(), nullable=False),
        sa.Column("kilobits", sa.BigInteger(), nullable=False),
        sa.Column("rated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("title_id", "day", name="pk_quality_days"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "startup_days",
        sa.Column("title_id", sa.String(length=26), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("sessions", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("title_id", "day", "step", name="pk_startup_days"),
        sqlite_with_rowid=False,
    )
    for table in ("quality_days", "startup_days"):
        op.create_index(op.f(f"ix_{table}_day"), table, ["day"])


def _fill_sums_of_quality() -> None:
    sums: dict[tuple[str, int], Counter[str]] = {}
    startups: Counter[tuple[str, int, int]] = Counter()
    for row in _sessions():
        for title_id in (row.title_id, ""):
            sums.setdefault((title_id, row.day), Counter()).update(_counted(row))
            if row.startup_seconds is not None:
                startups[title_id, row.day, _step(row.startup_seconds)] += 1
    _insert("quality_days", [{"title_id": title_id, "day": day, **each} for (title_id, day), each in sums.items()])
    columns = ("title_id", "day", "step", "sessions")
    _insert("startup_days", [dict(zip(columns, (*key, n), strict=True)) for key, n in startups.items()])


def _sessions() -> Iterator[sa.Row[tuple[object, ...]]]:
    """Page by page: a cursor would stay open, and keep later migrations of this transaction from the table."""
    after = ""
    while rows := op.get_bind().execute(sa.text(SESSIONS), {"after": after, "rows": ROWS}).all():
        yield from rows
        after = rows[-1].session_id


def _counted(row: sa.Row[tuple[object, ...]]) -> dict[str, int]:
    played_ms = round(1_000 * row.played_seconds)
    return {
        "played_ms": played_ms,
        "rebuffered_ms": round(1_000 * row.rebuffer_seconds),
        "kilobits": round(row.average_bitrate * row.played_seconds / 1_000),
        "rated_ms": played_ms if row.average_bitrate > 0 else 0,
    }


def _step(seconds: float) -> int:
    return round(log(min(max(seconds, 0.001), 86_400.0), 1.02))


def _insert(name: str, rows: list[dict[str, object]]) -> None:
    if rows:
        columns: list[sa.ColumnClause[object]] = [sa.column(column) for column in rows[0]]
        table = sa.table(name, *columns)
        op.get_bind().execute(sa.insert(table), rows)
