"""The tables. A change here needs a migration; a test compares the two."""

from control.database.tables.accounts import (
    accounts,
    authorizations,
    email_tokens,
    identities,
    refresh_tokens,
    sessions,
    sign_ins,
    signing_keys,
    waiting_letters,
)
from control.database.tables.analytics import (
    account_days,
    forgotten,
    history,
    play_days,
    plays,
    recommendation_models,
    training,
    viewer_days,
)
from control.database.tables.events import handled_events, outbox
from control.database.tables.jobs import drops, jobs, unfinished_assets
from control.database.tables.metadata import metadata
from control.database.tables.playback import announcements, devices, playback_sessions
from control.database.tables.quality import playback_quality, quality_days, startup_days
from control.database.tables.subscriptions import payment_reports, plans, subscriptions
from control.database.tables.titles import assets, premieres, removals, title_labels, title_texts, titles

__all__ = [
    "account_days",
    "accounts",
    "announcements",
    "assets",
    "authorizations",
    "devices",
    "drops",
    "email_tokens",
    "forgotten",
    "handled_events",
    "history",
    "identities",
    "jobs",
    "metadata",
    "outbox",
    "payment_reports",
    "plans",
    "play_days",
    "playback_quality",
    "playback_sessions",
    "plays",
    "premieres",
    "quality_days",
    "recommendation_models",
    "refresh_tokens",
    "removals",
    "sessions",
    "sign_ins",
    "signing_keys",
    "startup_days",
    "subscriptions",
    "title_labels",
    "title_texts",
    "titles",
    "training",
    "unfinished_assets",
    "viewer_days",
    "waiting_letters",
]
