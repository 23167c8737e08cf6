"""Playback sessions, what edges may serve to them, and devices, as the contracts show them."""

from control.database.devices import Device
from control.playback.session import PlaybackSession
from control.playback.session_states import State
from control.timestamps import timestamp
from protos.v1 import playback_pb2

PLAYBACK_STATES = {
    State.PLAYING: playback_pb2.PLAYBACK_STATE_PLAYING,
    State.PAUSED: playback_pb2.PLAYBACK_STATE_PAUSED,
    State.STOPPED: playback_pb2.PLAYBACK_STATE_STOPPED,
}


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
