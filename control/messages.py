"""What control keeps, as the contracts show it."""

from collections.abc import Iterable

from google.protobuf.timestamp_pb2 import Timestamp

from control.callers import ROLES, Caller
from control.database.accounts import Account
from control.database.assets import Asset
from control.database.devices import Device
from control.database.sessions import Session
from control.database.titles import Title
from control.jobs.job import Job
from control.jobs.job_states import State
from control.playback import session_states
from control.playback.session import PlaybackSession
from control.subscriptions import subscription_states
from control.subscriptions.entitlement import Allowance
from control.subscriptions.plan import Plan
from control.subscriptions.subscription import Subscription
from protos.v1 import auth_pb2, catalogue_pb2, jobs_pb2, playback_pb2, subscriptions_pb2

JOB_STATES = {
    State.QUEUED: jobs_pb2.JOB_STATE_QUEUED,
    State.RUNNING: jobs_pb2.JOB_STATE_RUNNING,
    State.CANCELLING: jobs_pb2.JOB_STATE_RUNNING,
    State.PUBLISHED: jobs_pb2.JOB_STATE_PUBLISHED,
    State.FAILED: jobs_pb2.JOB_STATE_FAILED,
    State.REFUSED: jobs_pb2.JOB_STATE_FAILED,
    State.CANCELLED: jobs_pb2.JOB_STATE_CANCELLED,
}
TITLE_KINDS = {
    "film": catalogue_pb2.TITLE_KIND_FILM,
    "series": catalogue_pb2.TITLE_KIND_SERIES,
    "season": catalogue_pb2.TITLE_KIND_SEASON,
    "episode": catalogue_pb2.TITLE_KIND_EPISODE,
}

PLAYBACK_STATES = {
    session_states.State.PLAYING: playback_pb2.PLAYBACK_STATE_PLAYING,
    session_states.State.PAUSED: playback_pb2.PLAYBACK_STATE_PAUSED,
    session_states.State.STOPPED: playback_pb2.PLAYBACK_STATE_STOPPED,
}
SUBSCRIPTION_STATES = {
    subscription_states.State.PENDING: subscriptions_pb2.SUBSCRIPTION_STATE_PENDING,
    subscription_states.State.TRIAL: subscriptions_pb2.SUBSCRIPTION_STATE_TRIAL,
    subscription_states.State.ACTIVE: subscriptions_pb2.SUBSCRIPTION_STATE_ACTIVE,
    subscription_states.State.GRACE: subscriptions_pb2.SUBSCRIPTION_STATE_GRACE,
    subscription_states.State.ENDED: subscriptions_pb2.SUBSCRIPTION_STATE_ENDED,
}


def timestamp(seconds: float) -> Timestamp:
    """A moment, from Unix seconds."""
    moment = Timestamp()
    moment.FromMicroseconds(round(seconds * 1_000_000))
    return moment


def _moment(seconds: float | None) -> Timestamp | None:
    return None if seconds is None else timestamp(seconds)


def caller(person: Caller) -> auth_pb2.Account:
    """The account of a person, as far as their token tells."""
    return auth_pb2.Account(account_id=person.account_id, email=person.email, role=person.wire_role)


def account(stored: Account, providers: Iterable[str]) -> auth_pb2.Account:
    """An account, and the names of the providers by which it can sign in."""
    return auth_pb2.Account(
        account_id=stored.account_id,
        email=stored.email,
        role=ROLES[stored.role],
        created_at=timestamp(stored.created_at),
        last_login_at=_moment(stored.last_login_at),
        disabled=stored.disabled,
        providers=providers,
    )


def session(stored: Session, current_id: str) -> auth_pb2.Session:
    """A session in which an account is signed in; the current one is that of the call."""
    return auth_pb2.Session(
        session_id=stored.session_id,
        device=stored.device,
        address=stored.address,
        created_at=timestamp(stored.created_at),
        last_used_at=timestamp(stored.last_used_at),
        current=stored.session_id == current_id,
    )


def title(stored: Title) -> catalogue_pb2.Title:
    """A title."""
    return catalogue_pb2.Title(
        title_id=stored.title_id,
        name=stored.name,
        synopsis=stored.synopsis,
        state=catalogue_pb2.TITLE_STATE_PUBLISHED if stored.published else catalogue_pb2.TITLE_STATE_DRAFT,
        asset_id=stored.asset_id,
        duration_seconds=stored.duration_seconds,
        width=stored.width,
        height=stored.height,
        created_at=timestamp(stored.created_at),
        published_at=_moment(stored.published_at),
        audio_languages=stored.audio_languages,
        kind=TITLE_KINDS[stored.kind],
        parent_id=stored.parent_id,
        number=stored.number,
        genres=stored.genres,
        tags=stored.tags,
        year=stored.year,
        original_language=stored.original_language,
        cast=[catalogue_pb2.CastMember(name=name, role=role) for name, role in stored.cast],
        rating=stored.rating,
        minimum_age=stored.minimum_age,
        available_from=_moment(stored.available_from),
        available_until=_moment(stored.available_until),
        plan_id=stored.plan_id,
        poster_version=stored.poster_version,
        backdrop_version=stored.backdrop_version,
    )


def asset(stored: Asset, *, active: bool) -> catalogue_pb2.Asset:
    """A version of a title's media."""
    return catalogue_pb2.Asset(
        asset_id=stored.asset_id,
        duration_seconds=stored.duration_seconds,
        width=stored.width,
        height=stored.height,
        size_bytes=stored.size_bytes,
        created_at=timestamp(stored.created_at),
        active=active,
    )


def job(stored: Job, title_name: str) -> jobs_pb2.Job:
    """A job; one that has been asked to stop still runs."""
    return jobs_pb2.Job(
        job_id=stored.job_id,
        title_id=stored.title_id,
        title_name=title_name,
        state=JOB_STATES[stored.state],
        stage=stored.stage,  # type: ignore[arg-type]
        progress=stored.progress,
        message=stored.message,
        attempts=stored.attempts,
        file_name=stored.file_name,
        size_bytes=stored.size_bytes,
        created_at=timestamp(stored.created_at),
        updated_at=timestamp(stored.updated_at),
        worker_id=stored.worker_id,
        cancel_requested=stored.state is State.CANCELLING,
        refused=stored.state is State.REFUSED,
    )


def playback_session(stored: PlaybackSession, title_name: str) -> playback_pb2.PlaybackSession:
    """A playback session."""
    return playback_pb2.PlaybackSession(
        session_id=stored.session_id,
        title_id=stored.title_id,
        account_id=stored.account_id,
        device=stored.device,
        started_at=timestamp(stored.started_at),
        last_seen_at=timestamp(stored.last_seen_at),
        state=PLAYBACK_STATES[stored.state],
        position_seconds=stored.position_seconds,
        title_name=title_name,
        device_id=stored.device_id,
    )


def grant(stored: PlaybackSession, now: float, seconds: float) -> playback_pb2.Grant:
    """What an edge may serve to a playback session for so long, or until that has to be looked at again."""
    ends = [now + seconds, stored.expires_at, *([] if stored.review_at is None else [stored.review_at])]
    return playback_pb2.Grant(
        session_id=stored.session_id,
        asset_id=stored.asset_id,
        expires_at=timestamp(min(ends)),
        max_height=stored.max_height,
    )


def device(stored: Device, streams: int) -> playback_pb2.Device:
    """A device, with the sessions that are open on it."""
    return playback_pb2.Device(
        device_id=stored.device_id,
        name=stored.name,
        first_used_at=timestamp(stored.first_used_at),
        last_used_at=timestamp(stored.last_used_at),
        streams=streams,
    )


def plan(stored: Plan) -> subscriptions_pb2.Plan:
    """A plan."""
    return subscriptions_pb2.Plan(
        plan_id=stored.plan_id,
        name=stored.name,
        description=stored.description,
        price_label=stored.price_label,
        level=stored.level,
        max_streams=stored.max_streams,
        max_height=stored.max_height,
        max_devices=stored.max_devices,
        trial_days=stored.trial_days,
        period_days=stored.period_days,
        grace_days=stored.grace_days,
        tags=stored.tags,
        retired=stored.retired,
    )


def subscription(stored: Subscription, its_plan: Plan) -> subscriptions_pb2.Subscription:
    """A subscription."""
    return subscriptions_pb2.Subscription(
        subscription_id=stored.subscription_id,
        account_id=stored.account_id,
        plan=plan(its_plan),
        state=SUBSCRIPTION_STATES[stored.state],
        started_at=timestamp(stored.started_at),
        period_ends_at=None if stored.period_ends_at is None else timestamp(stored.period_ends_at),
        cancelled=stored.cancelled,
        provider=stored.provider,
    )


def entitlement(limits: Allowance, plan_id: str) -> subscriptions_pb2.Entitlement:
    """What an account may do, by its plan or without one."""
    return subscriptions_pb2.Entitlement(
        max_streams=limits.max_streams,
        max_height=limits.max_height,
        max_devices=limits.max_devices,
        plan_id=plan_id,
    )
