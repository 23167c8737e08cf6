"""What control keeps, as the contracts show it."""

from collections.abc import Iterable

from google.protobuf.timestamp_pb2 import Timestamp

from control.callers import ROLES, Caller
from control.database.accounts import Account
from control.database.assets import Asset
from control.database.playback_sessions import PlaybackSession
from control.database.sessions import Session
from control.database.titles import Title
from control.jobs.job import Job
from control.jobs.job_states import State
from protos.v1 import auth_pb2, catalogue_pb2, jobs_pb2, playback_pb2

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


def playback_session(stored: PlaybackSession) -> playback_pb2.PlaybackSession:
    """A playback session."""
    return playback_pb2.PlaybackSession(
        session_id=stored.session_id,
        title_id=stored.title_id,
        account_id=stored.account_id,
        device=stored.device,
        started_at=timestamp(stored.started_at),
        last_seen_at=timestamp(stored.last_seen_at),
    )


def grant(stored: PlaybackSession, expires_at: float) -> playback_pb2.Grant:
    """What an edge may serve to a playback session, until a moment: every rung."""
    return playback_pb2.Grant(
        session_id=stored.session_id, asset_id=stored.asset_id, expires_at=timestamp(expires_at), max_height=0
    )
