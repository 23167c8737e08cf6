"""The gRPC services of control, each of them with the parts that it needs."""

from dataclasses import dataclass

from control.accounts.area import Accounts, put_together
from control.accounts.authentication import Authentication
from control.accounts.fetching import Fetching
from control.accounts.identity import IdentityService
from control.accounts.provider import Provider
from control.analytics.metrics import MetricsService
from control.analytics.service import AnalyticsService
from control.catalogue.service import CatalogueService
from control.events.service import NoticeService
from control.jobs.service import JobService
from control.jobs.uploads import UploadService
from control.jobs.workers import WorkerService
from control.parts import Parts
from control.playback.edges import EdgeService
from control.playback.service import PlaybackService
from control.subscriptions.payments import WebhookPayments
from control.subscriptions.service import SubscriptionService
from matinee.rpc.server import Server
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


@dataclass(frozen=True)
class Services:
    """What of the services goes on beside them, or must be ended with them."""

    accounts: Accounts
    fetching: Fetching
    notices: NoticeService


def add_services(server: Server, parts: Parts, authentication: Authentication) -> Services:
    """Have a server answer for every contract."""
    accounts = _add_accounts(server, parts, authentication)
    _add_titles(server, parts)
    _add_subscriptions(server, parts)
    _add_playback(server, parts)
    _add_analytics(server, parts)
    return Services(
        accounts=accounts,
        fetching=_add_identity(server, parts, accounts),
        notices=_add_notices(server, parts, authentication),
    )


def _add_accounts(server: Server, parts: Parts, authentication: Authentication) -> Accounts:
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


def _add_identity(server: Server, parts: Parts, accounts: Accounts) -> Fetching:
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


def _add_titles(server: Server, parts: Parts) -> None:
    catalogue = CatalogueService(
        database=parts.database,
        store=parts.store,
        announcer=parts.announcer,
        housekeeping=parts.housekeeping,
        clock=parts.clock,
        idle_seconds=parts.settings.playback.idle_seconds,
    )
    add_CatalogueServiceServicer_to_server(catalogue, server)
    add_JobServiceServicer_to_server(JobService(parts.database, parts.clock), server)
    add_UploadServiceServicer_to_server(UploadService(parts.database, parts.clock), server)
    add_DirectUploadServiceServicer_to_server(parts.direct_uploads, server)
    workers = WorkerService(parts.database, parts.housekeeping, parts.settings.worker, parts.clock)
    add_WorkerServiceServicer_to_server(workers, server)


def _add_subscriptions(server: Server, parts: Parts) -> None:
    service = SubscriptionService(
        database=parts.database,
        announcer=parts.announcer,
        access=parts.access,
        providers=[WebhookPayments(provider) for provider in parts.settings.payments.providers],
        clock=parts.clock,
    )
    add_SubscriptionServiceServicer_to_server(service, server)


def _add_playback(server: Server, parts: Parts) -> None:
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


def _add_analytics(server: Server, parts: Parts) -> None:
    analytics = AnalyticsService(parts.database, parts.trainer, parts.clock)
    add_AnalyticsServiceServicer_to_server(analytics, server)
    metrics = MetricsService(parts.database, parts.bus, parts.clock)
    add_MetricsServiceServicer_to_server(metrics, server)


def _add_notices(server: Server, parts: Parts, authentication: Authentication) -> NoticeService:
    service = NoticeService(parts.notices, parts.bus, authentication)
    add_NoticeServiceServicer_to_server(service, server)
    return service
