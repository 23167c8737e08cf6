"""The devices on which an account plays: registered when it plays on them, as many as it may have."""

import hashlib
import re

from control import inputs
from control.database import Connection, devices
from control.database.devices import Device
from control.playback.streams import DERIVED
from matinee.errors import InvalidInput, ResourceExhausted
from protos.v1 import playback_pb2 as pb

LONGEST_NAME = 100
MOST_DEVICES = 100
"""Most devices of an account without a limit; one more is registered for the one that is out of use for longest."""

_TOLD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KNOWN = re.compile(r"~?[A-Za-z0-9_-]{1,64}")


def named_device(request: pb.PlayRequest) -> tuple[str, str]:
    """The id and the name of the device that plays; without an id it is told apart by its name alone.

    Raises `InvalidInput`.
    """
    name = inputs.line("device", request.device, LONGEST_NAME, needed=False)
    if not request.device_id:
        return DERIVED + hashlib.sha256(name.encode()).hexdigest()[:16], name
    if not _TOLD.fullmatch(request.device_id):
        raise InvalidInput("device_id must be 1 to 64 letters, digits, - or _")
    return request.device_id, name


def device_id(value: str) -> str:
    """The id of a device as the list of devices shows it. Raises `InvalidInput`."""
    if not _KNOWN.fullmatch(value):
        raise InvalidInput("device_id is not the id of a device")
    return value


async def register(
    connection: Connection, account_id: str, device_id: str, name: str, *, limit: int, now: float
) -> None:
    """Note the use of a device. Raises `ResourceExhausted` for a new one beyond the limit, 0 for none."""
    known = await devices.of_account(connection, account_id)
    if any(device.device_id == device_id for device in known):
        await devices.used(connection, account_id, device_id, name, now)
        return
    if limit and len(known) >= limit:
        raise ResourceExhausted(_too_many(known, limit))
    for device in () if limit else known[MOST_DEVICES - 1 :]:
        await devices.remove(connection, account_id, device.device_id)
    await devices.add(connection, Device(account_id, device_id, name, now, now))


def _too_many(known: list[Device], limit: int) -> str:
    names = ", ".join(f"'{device.name or device.device_id}'" for device in known[:10])
    most = "one device" if limit == 1 else f"{limit} devices"
    return f"your account may have {most}: remove one of {names} first"
