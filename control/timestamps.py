"""Moments, as the contracts show them."""

from google.protobuf.timestamp_pb2 import Timestamp


def timestamp(seconds: float) -> Timestamp:
    """A moment, from Unix seconds."""
    moment = Timestamp()
    moment.FromMicroseconds(round(seconds * 1_000_000))
    return moment


def moment(seconds: float | None) -> Timestamp | None:
    """The same of one that there may not be."""
    return None if seconds is None else timestamp(seconds)
