"""Frames that were dropped; and by title and day how many sessions there were, stalled, and never showed a picture.

Those that the database has already are counted; of them nobody noted how many frames were dropped.
"""

import sqlalchemy as sa
from alembic import op

revision = "v0017"
down_revision = "v0016"

COUNT = """
    INSERT INTO quality_days (
        title_id, day, played_ms, rebuffered_ms, kilobits, rated_ms, sessions, stalls, exits, failures
    )
    SELECT
        title_id, day, 0, 0, 0, 0, COUNT(*), SUM(stalls),
        SUM(CASE WHEN NOT started AND ended = 'quit' THEN 1 ELSE 0 END),
        SUM(CASE WHEN NOT started AND ended = 'failed' THEN 1 ELSE 0 END)
    FROM (
        SELECT title_id, day, stalls, started, ended FROM playback_quality
        UNION ALL
        SELECT '', day, stalls, started, ended FROM playback_quality
    ) AS told
    WHERE TRUE GROUP BY title_id, day
    ON CONFLICT (title_id, day) DO UPDATE SET
        sessions = excluded.sessions, stalls = excluded.stalls, exits = excluded.exits, failures = excluded.failures
"""


def upgrade() -> None:
    """Add the columns, and count what there is."""
    op.add_column("playback_quality", sa.Column("dropped_frames", sa.Integer(), nullable=False, server_default="0"))
    for name in ("sessions", "stalls", "exits", "failures", "dropped_frames"):
        op.add_column("quality_days", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(COUNT)
