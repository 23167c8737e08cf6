"""Control as a process: its parts put together, served by gRPC until it is told to stop."""

import asyncio
import time
from contextlib import AsyncExitStack

import structlog
from argon2 import PasswordHasher
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from control.accounts.authentication import Authentication
from control.accounts.first_start import create_admin, prepare_run_directory, service_token
from control.accounts.passwords import Passwords
from control.background import background, show
from control.database.engine import open_database
from control.guard import Guard, access_of, services_of
from control.health import Health
from control.measures import CallMeter
from control.parts import Parts, assemble
from control.services import CONTRACTS, add_services
from matinee.bus import EventBus
from matinee.errors import InvalidInput
from matinee.follower import following
from matinee.rpc.server import Server, listen, make_server
from matinee.settings import Settings
from matinee.storage.object_store import ObjectStore
from matinee.telemetry.expiries import Expiries
from matinee.telemetry.instruments import Instruments
from matinee.tokens import Clock

log = structlog.get_logger()


async def serve(
    settings: Settings,
    store: ObjectStore,
    bus: EventBus,
    stop: asyncio.Event,
    *,
    hasher: PasswordHasher | None = None,
    clock: Clock = time.time,
    instruments: Instruments | None = None,
) -> None:
    """Serve on `settings.control_listen` until `stop` is set; calls in progress are finished.

    Migrates the database first, and makes what a first start needs: service token, signing key, admin. Raises
    `InvalidInput` for settings that cannot be used, `Unavailable` when the address is taken or the database is away.
    """
    prepare_run_directory(settings)
    async with AsyncExitStack() as stack:
        database = await open_database(settings.database_url, settings.database)
        stack.push_async_callback(database.close)
        passwords = Passwords(hasher)
        stack.callback(passwords.close)
        await create_admin(database, passwords, settings, clock)
        parts = await assemble(
            settings, store, bus, database=database, passwords=passwords, clock=clock,
            instruments=instruments or Instruments("control"),
        )  # fmt: skip
        stack.callback(parts.direct_uploads.close)
        await _run(parts, stop)


async def _run(parts: Parts, stop: asyncio.Event) -> None:
    authentication = Authentication(parts.database, parts.keyring)
    guard = Guard(access_of(services_of(CONTRACTS)), service_token(parts.settings), authentication)
    server = make_server([CallMeter(parts.measures), guard])
    services = add_services(server, parts, authentication)
    show(parts, services.accounts)
    state = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    names = [service.full_name for service in services_of(CONTRACTS)]
    reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    _listen(server, parts.settings, parts.instruments.expiries)
    async with asyncio.TaskGroup() as tasks:
        work = [*background(parts, services.accounts), Health(state, parts.database.check).run()]
        followers = [tasks.create_task(following(each)) for each in work]
        await server.start()
        log.info("control serves", address=parts.settings.control_listen)
        readiness = parts.instruments.readiness
        readiness.serve()
        await stop.wait()
        readiness.stop()
        await state.enter_graceful_shutdown()
        parts.announcer.close()
        services.notices.close()
        await server.stop(parts.settings.control.grace_seconds)
        for follower in followers:
            follower.cancel()
    await services.fetching.close()


def _listen(server: Server, settings: Settings, expiries: Expiries) -> None:
    address = settings.control_listen
    if "," in address or address.startswith("dns:"):
        raise InvalidInput(f"control.listen must say where this control listens, since control.address is {address}")
    listen(server, settings.control, address, expiries)
