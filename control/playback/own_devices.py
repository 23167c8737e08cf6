"""The devices on which the caller plays: that part of PlaybackService."""

from typing_extensions import override

from control.callers import caller
from control.database import Connection, Database, announcements, devices, playback_sessions, subscriptions
from control.playback import messages
from control.playback.announcer import Announcer
from control.playback.devices import device_id
from control.playback.ending import end_sessions
from matinee.errors import NotFound
from matinee.rpc.server import Context
from matinee.tokens import Clock
from protos.v1 import playback_pb2 as pb
from protos.v1.playback_pb2_grpc import PlaybackServiceServicer

REMOVED = "the device was removed"


class OwnDevices(PlaybackServiceServicer):
    """Everybody sees their own devices, and lets them go with what is played on them."""

    def __init__(self, database: Database, announcer: Announcer, clock: Clock) -> None:
        self._database = database
        self._announcer = announcer
        self._clock = clock

    @override
    async def ListDevices(self, request: pb.ListDevicesRequest, context: Context) -> pb.ListDevicesResponse:
        account_id = caller().account_id
        async with self._database.read() as connection:
            known = await devices.of_account(connection, account_id)
            streams = await playback_sessions.streams_by_device(connection, account_id, self._clock())
        shown = [messages.device(device, streams.get(device.device_id, 0)) for device in known]
        return pb.ListDevicesResponse(devices=shown)

    @override
    async def RemoveDevice(self, request: pb.RemoveDeviceRequest, context: Context) -> pb.RemoveDeviceResponse:
        account_id, removed = caller().account_id, device_id(request.device_id)
        await self._database.transact(lambda connection: self._removed(connection, account_id, removed))
        self._announcer.wake()
        return pb.RemoveDeviceResponse()

    async def _removed(self, connection: Connection, account_id: str, removed: str) -> None:
        """Let a device go, with what is played on it."""
        await subscriptions.hold(connection, account_id)
        if not await devices.remove(connection, account_id, removed):
            raise NotFound("there is no such device")
        known = await playback_sessions.of_account(connection, account_id)
        on_it = [session for session in known if session.device_id == removed]
        await end_sessions(connection, on_it, REMOVED, self._clock)
        await announcements.announce_account(connection, account_id, self._clock())
