"""Films that are dropped into `incoming/` of the object store become titles.

Each control looks there, regularly and when the bucket tells of something new; the database decides who takes what. A
job finds its film where it was dropped: nothing is copied. Objects of a bucket are whole when they appear; a file in a
folder is taken when nobody has written to it for a while.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import structlog

from control.callers import Caller
from control.database import Connection, Database, accounts, drops, jobs, plans, titles
from control.database.accounts import Account
from control.database.titles import Title
from control.identifiers import new_id
from control.jobs.drop import Drop
from control.jobs.job import Job
from control.jobs.job_states import State
from matinee.errors import InvalidInput, MatineeError, NotFound, Unavailable
from matinee.layout import INCOMING
from matinee.settings import IncomingSettings
from matinee.storage import ObjectStore
from matinee.tokens import Clock
from protos.v1.access_pb2 import ACCESS_PUBLISHER

if TYPE_CHECKING:
    from matinee.buckets.notifications import Notifications

SETTLED_SECONDS = 10.0
"""So long nobody has written to a file of a folder that is taken."""
REMEMBERED_SECONDS = 3_600.0
"""How long it is remembered of an object that is gone that it was taken."""

log = structlog.get_logger()


class Incoming:
    """Looks for films until it is cancelled. `settled_seconds` is 0 where objects appear whole."""

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        settings: IncomingSettings,
        clock: Clock,
        *,
        notifications: "Notifications | None" = None,
        settled_seconds: float = SETTLED_SECONDS,
    ) -> None:
        self._database = database
        self._store = store
        self._settings = settings
        self._clock = clock
        self._notifications = notifications
        self._settled_seconds = settled_seconds
        self._dropped = asyncio.Event()
        self._reproach = ""

    async def run(self) -> None:
        """Look, and listen; nothing at all without an account that films belong to."""
        if not self._settings.account:
            return
        async with asyncio.TaskGroup() as tasks:
            if self._notifications:
                tasks.create_task(self._listen(self._notifications))
            while True:
                await self._look_again()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._settings.poll_seconds):
                        await self._dropped.wait()
                self._dropped.clear()

    async def look(self) -> None:
        """Take what is new, and remove of it what became a title, if that is wanted.

        Raises `NotFound` while there is no such account or plan, `InvalidInput` for an object whose name cannot be
        used, and `Unavailable`.
        """
        found = [Drop.of(item) for item in await self._store.list(INCOMING)]
        async with self._database.read() as connection:
            taken = await drops.taken(connection)
        ripe_at = self._clock() - self._settled_seconds
        for drop in found:
            if drop.is_meant and drop.drop_id not in taken and drop.modified <= ripe_at:
                await self._take(drop)
        await self._clear(found, taken)

    async def _look_again(self) -> None:
        """Look; what keeps us from it is said once, as long as it is the same."""
        reproach = ""
        try:
            await self.look()
        except MatineeError as error:
            reproach = str(error)
        if reproach and reproach != self._reproach:
            log.warning("nothing is taken from incoming/", reason=reproach)
        self._reproach = reproach

    async def _listen(self, notifications: "Notifications") -> None:
        with contextlib.closing(notifications):
            while True:
                try:
                    if await asyncio.to_thread(notifications.wait):
                        self._dropped.set()
                except InvalidInput as error:
                    log.info("incoming/ is looked at regularly: the bucket tells of nothing", reason=str(error))
                    return
                except Unavailable as error:
                    log.warning("the bucket tells of nothing at present", reason=str(error))
                    await asyncio.sleep(self._settings.poll_seconds)

    async def _take(self, drop: Drop) -> None:
        """Make a title and a job of an object, unless another control has done so."""
        now, refusal = self._clock(), drop.refusal()
        async with self._database.write() as connection:
            owner = await self._owner(connection)
            if not await drops.note(connection, drop.drop_id, now):
                return
            title = Title(new_id(self._clock), drop.title_name, created_at=now, plan_id=self._settings.plan)
            job = Job(
                job_id=new_id(self._clock),
                title_id=title.title_id,
                upload_id=drop.drop_id,
                account_id=owner.account_id,
                file_name=drop.file_name,
                size_bytes=drop.size,
                sha256="",
                created_at=now,
                updated_at=now,
                due_at=now,
                state=State.REFUSED if refusal else State.QUEUED,
                message=refusal,
                source_key=drop.key,
                draft=not self._settings.publish,
            )
            await titles.add(connection, title)
            await jobs.add_once(connection, job)
        log.info("a dropped file was taken", key=drop.key, job_id=job.job_id, refused=refusal)

    async def _owner(self, connection: Connection) -> Account:
        """Whose films these are. Raises `NotFound` when nobody is who may publish, or there is no such plan."""
        owner = await accounts.by_email(connection, self._settings.account.lower())
        if owner is None or owner.disabled or not _may_publish(owner):
            raise NotFound(f"incoming.account {self._settings.account} is nobody who may publish")
        if self._settings.plan and await plans.find(connection, self._settings.plan) is None:
            raise NotFound(f"incoming.plan {self._settings.plan} is no plan")
        return owner

    async def _clear(self, found: Sequence[Drop], taken: Mapping[str, State | None]) -> None:
        """Remove what became a title, and forget what is gone."""
        if self._settings.afterwards == "remove":
            await self._store.delete(drop.key for drop in found if taken.get(drop.drop_id) is State.PUBLISHED)
        gone = taken.keys() - {drop.drop_id for drop in found}
        if gone:
            async with self._database.write() as connection:
                await drops.forget(connection, gone, self._clock() - REMEMBERED_SECONDS)


def _may_publish(account: Account) -> bool:
    return Caller(account.account_id, account.email, account.role).may(ACCESS_PUBLISHER)
