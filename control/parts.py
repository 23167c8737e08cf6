"""What the services of control share, put together from the settings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from control.accounts.keyring import Keyring
from control.accounts.passwords import Passwords
from control.analytics.training import Trainer
from control.catalogue.premieres import Closings, Premieres
from control.database import Database
from control.events.notices import Notices
from control.housekeeping import Housekeeping
from control.jobs.direct_uploads import DirectUploadService
from control.measures import Measures
from control.playback.access import Access
from control.playback.announcer import Announcer
from control.playback.sweep import Sweep
from control.subscriptions.lapse import Lapse
from matinee.bus import EventBus
from matinee.settings import Settings, StoreSettings
from matinee.storage.object_store import ObjectStore
from matinee.telemetry.instruments import Instruments
from matinee.tokens import Clock

if TYPE_CHECKING:
    from matinee.buckets.multipart import Multipart


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


async def assemble(
    settings: Settings,
    store: ObjectStore,
    bus: EventBus,
    *,
    database: Database,
    passwords: Passwords,
    clock: Clock,
    instruments: Instruments,
) -> Parts:
    """Open what is kept in the database; `database` and `passwords` are closed by whoever opened them."""
    longest_token = max(settings.tokens.access_minutes * 60, settings.tokens.delivery_hours * 3_600)
    key_seconds = settings.tokens.key_days * 86_400
    keyring = Keyring(database, clock, token_seconds=longest_token, key_seconds=key_seconds)
    await keyring.open()
    notices = Notices(database, bus)
    announcer = Announcer(
        database, clock, keyring.reload, notices.announced, grant_seconds=settings.tokens.grant_seconds
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
            Closings(database, clock, notices.withdrawn),
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


def _multipart(settings: StoreSettings) -> "Multipart | None":
    if not settings.public_endpoint:
        return None
    from matinee.buckets.multipart import open_multipart  # boto3 takes half a second to import

    return open_multipart(settings)
