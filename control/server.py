"""Control as a process: its parts put together, served by gRPC until it is told to stop."""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog
from argon2 import PasswordHasher
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from control.accounts.area import Accounts, put_together
from control.accounts.authentication import Authentication
from control.accounts.fetching import Fetching
from control.accounts.first_start import create_admin, prepare_run_directory, service_token
from control.accounts.identity import IdentityService
from control.accounts.keyring import Keyring
from control.accounts.passwords import Passwords
from control.accounts.provider import Provider
from control.analytics import quality
from control.analytics.history import HISTORY
from control.analytics.metrics import MetricsService
from control.analytics.plays import STATISTICS
from control.analytics.service import AnalyticsService
from control.analytics.training import Trainer
from control.catalogue.premieres import Premieres
from control.catalogue.service import CatalogueService
from control.database import Database
from control.database.engine import open_database
from control.events.consumer import BatchConsumer, Consumer
from control.events.notices import Notices
from control.events.relay import Relay
from control.events.runner import Runner
from control.events.service import NoticeService
from control.guard import Guard, access_of, services_of
from control.housekeeping import Housekeeping
from control.jobs.direct_uploads import DirectUploadService
from control.jobs.incoming import SETTLED_SECONDS, Incoming
from control.jobs.service import JobService
from control.jobs.uploads import UploadService
from control.jobs.workers import WorkerService
from control.measures import CallMeter, Measures
from control.playback.access import Access
from control.playback.announcer import Announcer
from control.playback.consumers import access_sync
from control.playback.edges import EdgeService
from control.playback.service import PlaybackService
from control.playback.sweep import Sweep
from control.samples import Samples, watch_edges, watch_postbox
from control.subscriptions.lapse import Lapse
from control.subscriptions.payments import WebhookPayments
from control.subscriptions.service import SubscriptionService
from matinee import rpc
from matinee.buckets.bucket import bucket
from matinee.bus import EventBus
from matinee.errors import InvalidInput
from matinee.layout import INCOMING
from matinee.settings import Settings, StoreSettings
from matinee.storage import ObjectStore
from matinee.telemetry.instruments import Instruments
from matinee.tokens import Clock
from protos.v1 import (
    analytics_pb2,
    auth_pb2,
    catalogue_pb2,
    identity_pb2,
    jobs_pb2,
    metrics_pb2,
    notices_pb2,
    playback_pb2,
    subscriptions_pb2,
)
from protos.v1.analytics_pb2_grpc import add_AnalyticsServiceServicer_to_server
from protos.v1.auth_pb2_grpc import add_AuthServiceServicer_to_server
from protos.v1.catalogue_pb2_grpc import add_CatalogueServiceServicer_to_server
from protos.v1.identity_pb2_grpc import add_IdentityServiceServicer_to_server
from protos.v1.jobs_pb2_grpc import (
    add_DirectUploadServiceServicer_to_server,
    add_JobServiceServicer_to_server,
    add_UploadServiceServicer_to_server,
    add_WorkerServiceServicer_to_server,
)
from protos.v1.metrics_pb2_grpc import add_MetricsServiceServicer_to_server
from protos.v1.notices_pb2_grpc import add_NoticeServiceServicer_to_server
from protos.v1.playback_pb2_grpc import add_EdgeServiceServicer_to_server, add_PlaybackServiceServicer_to_server
from protos.v1.subscriptions_pb2_grpc import add_SubscriptionServiceServicer_to_server

if TYPE_CHECKING:
    from matinee.buckets.multipart import Multipart

CONTRACTS = (
    analytics_pb2.DESCRIPTOR,
    auth_pb2.DESCRIPTOR,
    catalogue_pb2.DESCRIPTOR,
    identity_pb2.DESCRIPTOR,
    jobs_pb2.DESCRIPTOR,
    metrics_pb2.DESCRIPTOR,
    notices_pb2.DESCRIPTOR,
    playback_pb2.DESCRIPTOR,
    subscriptions_pb2.DESCRIPTOR,
)

log = structlog.get_logger()


@dataclass(frozen=True)
class Parts:
    """What the services share."""

    settings: Settings
    store: ObjectStore
    bus: EventBus
    clock: Clock
    database: Database
    passwords: Passwords
    keyring: Keyring
    announcer: Announcer
    notices: Notices
    access: Access
    housekeeping: Housekeeping
    trainer: Trainer
    direct_uploads: DirectUploadService
    measures: Measures
    instruments: Instruments


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
        parts = await _assemble(
            settings, store, bus, database=database, passwords=passwords, clock=clock,
            instruments=instruments or Instruments("control"),
        )  # fmt: skip
        await _run(parts, stop)


async def _assemble(
    settings: Settings,
    store: ObjectStore,
    bus: EventBus,
    *,
    database: Database,
    passwords: Passwords,
    clock: Clock,
    instruments: Instruments,
) -> Parts:
    longest_token = max(settings.tokens.access_minutes * 60, settings.tokens.delivery_hours * 3_600)
    key_seconds = settings.tokens.key_days * 86_400
    keyring = Keyring(database, clock, token_seconds=longest_token, key_seconds=key_seconds)
    await keyring.open()
    notices = Notices(database, bus)
    announcer = Announcer(
        database, clock, keyring.reload, notices.tell_sought, grant_seconds=settings.tokens.grant_seconds
    )
    await announcer.open()
    access = Access(settings.subscriptions, settings.playback, clock)
    direct_uploads = DirectUploadService(database, store, settings.uploads, clock, _multipart(settings.store))
    housekeeping = Housekeeping(
        database,
        store,
        keyring,
        clock,
        event_seconds=settings.events.retention_days * 86_400,
        audit_seconds=settings.accounts.audit_days * 86_400,
        rounds=(
            Lapse(database, clock),
            Sweep(database, settings.playback.idle_seconds, clock),
            Premieres(database, clock),
            direct_uploads.sweep,
        ),
    )
    return Parts(
        settings=settings,
        store=store,
        bus=bus,
        clock=clock,
        database=database,
        passwords=passwords,
        keyring=keyring,
        announcer=announcer,
        notices=notices,
        access=access,
        housekeeping=housekeeping,
        trainer=Trainer(database, settings.recommendations, clock),
        direct_uploads=direct_uploads,
        measures=Measures(instruments.registry),
        instruments=instruments,
    )


def _incoming(parts: Parts) -> Incoming:
    settings = parts.settings
    in_bucket = settings.store_url.startswith("s3://")
    notifications = None
    if in_bucket and settings.incoming.account:
        from matinee.buckets.notifications import Notifications

        notifications = Notifications(bucket(settings.store), INCOMING)
    return Incoming(
        parts.database,
        parts.store,
        settings.incoming,
        parts.clock,
        notifications=notifications,
        settled_seconds=0.0 if in_bucket else SETTLED_SECONDS,
    )


def _multipart(settings: StoreSettings) -> "Multipart | None":
    if not settings.public_endpoint:
        return None
    from matinee.buckets.multipart import open_multipart  # boto3 takes half a second to import

    return open_multipart(settings)


async def _run(parts: Parts, stop: asyncio.Event) -> None:
    authentication = Authentication(parts.database, parts.keyring)
    guard = Guard(access_of(services_of(CONTRACTS)), service_token(parts.settings), authentication)
    server = rpc.make_server([CallMeter(parts.measures), guard])
    accounts = _add_accounts(server, parts, authentication)
    _show(parts, accounts)
    fetching = _add_identity(server, parts, accounts)
    _add_titles(server, parts)
    _add_subscriptions(server, parts)
    _add_playback(server, parts)
    _add_analytics(server, parts)
    streams = _add_notices(server, parts, authentication)
    state = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    names = [service.full_name for service in services_of(CONTRACTS)]
    reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    _listen(server, parts.settings)
    async with asyncio.TaskGroup() as tasks:
        followers = [tasks.create_task(each) for each in _background(parts, accounts)]
        await server.start()
        log.info("control serves", address=parts.settings.control_listen)
        readiness = parts.instruments.readiness
        readiness.serve()
        await stop.wait()
        readiness.stop()
        await state.enter_graceful_shutdown()
        parts.announcer.close()
        streams.close()
        await server.stop(parts.settings.control.grace_seconds)
        for follower in followers:
            follower.cancel()
    await fetching.close()


def _background(parts: Parts, accounts: Accounts) -> Iterator[Coroutine[None, None, None]]:
    """What goes on beside the services until control stops."""
    yield parts.database.hear_others(parts.announcer.wake)
    yield parts.announcer.run()
    yield parts.notices.run()
    yield parts.housekeeping.run()
    yield parts.trainer.run()
    yield accounts.postbox.run()
    yield _incoming(parts).run()
    yield Relay(parts.database, parts.bus).run()
    for consumer in _consumers(parts, accounts):
        yield Runner(consumer, parts.database, parts.bus, parts.clock, parts.measures).run()


def _show(parts: Parts, accounts: Accounts) -> None:
    """Let the operator see what waits, and what control leans on: without the database there is nothing it can do."""
    instruments, consumers = parts.instruments, _consumers(parts, accounts)
    samples = Samples(
        parts.database, parts.bus, parts.clock, instruments.registry, idle_seconds=parts.settings.playback.idle_seconds
    )
    instruments.sample(samples.look_up)
    instruments.sample(lambda: samples.look_at_lag(consumers))
    watch_postbox(instruments.registry, accounts.postbox)
    watch_edges(instruments.registry, parts.announcer)
    instruments.readiness.depend("database", parts.database.check)
    instruments.readiness.depend("bus", parts.bus.check, required=False)
    instruments.readiness.depend("store", partial(parts.store.probe, "control"), required=False)


def _consumers(parts: Parts, accounts: Accounts) -> tuple[Consumer | BatchConsumer, ...]:
    """Everybody who acts on events."""
    return (access_sync(parts.access, parts.announcer), quality.CONSUMER, HISTORY, STATISTICS, *accounts.consumers)


def _add_accounts(server: rpc.Server, parts: Parts, authentication: Authentication) -> Accounts:
    accounts = put_together(
        settings=parts.settings,
        database=parts.database,
        passwords=parts.passwords,
        keyring=parts.keyring,
        authentication=authentication,
        announcer=parts.announcer,
        access=parts.access,
        clock=parts.clock,
    )
    add_AuthServiceServicer_to_server(accounts.service, server)
    return accounts


def _add_identity(server: rpc.Server, parts: Parts, accounts: Accounts) -> Fetching:
    fetching, redirect_uri = Fetching(), f"{parts.settings.public_url}/sign-in/callback"
    providers = [Provider(one, redirect_uri, fetching, parts.clock) for one in parts.settings.oidc.providers]
    identity = IdentityService(
        database=parts.database,
        sessions=accounts.sessions,
        providers=providers,
        clock=parts.clock,
        makes_accounts=parts.settings.accounts.registration != "closed",
    )
    add_IdentityServiceServicer_to_server(identity, server)
    return fetching


def _add_titles(server: rpc.Server, parts: Parts) -> None:
    catalogue = CatalogueService(
        database=parts.database,
        store=parts.store,
        announcer=parts.announcer,
        housekeeping=parts.housekeeping,
        clock=parts.clock,
    )
    add_CatalogueServiceServicer_to_server(catalogue, server)
    add_JobServiceServicer_to_server(JobService(parts.database, parts.clock), server)
    add_UploadServiceServicer_to_server(UploadService(parts.database, parts.clock), server)
    add_DirectUploadServiceServicer_to_server(parts.direct_uploads, server)
    workers = WorkerService(parts.database, parts.housekeeping, parts.settings.worker, parts.clock)
    add_WorkerServiceServicer_to_server(workers, server)


def _add_subscriptions(server: rpc.Server, parts: Parts) -> None:
    service = SubscriptionService(
        database=parts.database,
        announcer=parts.announcer,
        access=parts.access,
        providers=[WebhookPayments(provider) for provider in parts.settings.payments.providers],
        clock=parts.clock,
    )
    add_SubscriptionServiceServicer_to_server(service, server)


def _add_playback(server: rpc.Server, parts: Parts) -> None:
    tokens = parts.settings.tokens
    playback = PlaybackService(
        database=parts.database,
        keyring=parts.keyring,
        announcer=parts.announcer,
        access=parts.access,
        clock=parts.clock,
        public_url=parts.settings.public_url,
        token_seconds=tokens.delivery_hours * 3_600,
    )
    add_PlaybackServiceServicer_to_server(playback, server)
    seconds = tokens.grant_seconds
    edges = EdgeService(parts.database, parts.announcer, parts.access, parts.clock, grant_seconds=seconds)
    add_EdgeServiceServicer_to_server(edges, server)


def _add_analytics(server: rpc.Server, parts: Parts) -> None:
    analytics = AnalyticsService(parts.database, parts.trainer, parts.clock)
    add_AnalyticsServiceServicer_to_server(analytics, server)
    metrics = MetricsService(parts.database, parts.bus, parts.clock)
    add_MetricsServiceServicer_to_server(metrics, server)


def _add_notices(server: rpc.Server, parts: Parts, authentication: Authentication) -> NoticeService:
    service = NoticeService(parts.notices, parts.bus, authentication)
    add_NoticeServiceServicer_to_server(service, server)
    return service


def _listen(server: rpc.Server, settings: Settings) -> None:
    address = settings.control_listen
    if "," in address or address.startswith("dns:"):
        raise InvalidInput(f"control.listen must say where this control listens, since control.address is {address}")
    rpc.listen(server, settings.control, address)
