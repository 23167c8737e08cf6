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
from matinee.follower import following
from matinee.layout import INCOMING
from matinee.settings import IncomingSettings
from matinee.storage.object_store import ObjectStore
from matinee.tokens import Clock
from protos.v1.access_pb2 import ACCESS_PUBLISHER

if TYPE_CHECKING:
    from matinee.buckets.notifications import Notifications

SETTLED_SECONDS = 10.0
"""So long nobody has written to a file of a folder that is taken."""
MOST_TOLD = 20
"""So many names one line of the log tells."""
REMEMBERED_SECONDS = 3_600.0
"""How long it is remembered of an object that is gone that it was taken."""

log = structlog.get_logger()


class Reproach:
    """Says in the log why something cannot be done: once, as long as the reason is the same."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence
        self._reason = ""

    def hear(self, reason: str) -> None:
        """Say the reason, unless it was the last one too; empty when it can be done."""
        if reason and reason != self._reason:
            log.warning(self._sentence, reason=reason)
        self._reason = reason


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
        self._not_looking = Reproach("nothing is taken from incoming/")
        self._not_hearing = Reproach("the bucket tells of nothing at present")
        self._left_alone: Sequence[str] = ()

    async def run(self) -> None:
        """Look, and listen; nothing at all without an account that films belong to."""
        if not self._settings.account:
            return
        async with asyncio.TaskGroup() as tasks:
            if self._notifications:
                tasks.create_task(following(self._listen(self._notifications)))
            while True:
                await self._look_again()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._settings.poll_seconds):
                        await self._dropped.wait()
                self._dropped.clear()

    async def look(self) -> None:
        """Take what is new, and remove of it what became a title, if that is wanted.

        What has a name that cannot be used is left alone. Raises `NotFound` while there is no such account or plan, and
        `Unavailable`.
        """
        survey = await self._store.survey(INCOMING)
        self._leave_alone(survey.unusable)
        found = [Drop.of(item) for item in survey.objects]
        async with self._database.read() as connection:
            taken = await drops.taken(connection)
        ripe_at = self._clock() - self._settled_seconds
        for drop in found:
            if drop.is_meant and drop.drop_id not in taken and drop.modified <= ripe_at:
                await self._take(drop)
        await self._clear(found, taken, all_seen=survey.whole)

    def _leave_alone(self, names: Sequence[str]) -> None:
        """Say once of names that they cannot be used."""
        if new := sorted(set(names) - set(self._left_alone)):
            log.warning(
                "what cannot be read is left alone in incoming/: rename it, or let control read it",
                keys=new[:MOST_TOLD],
                count=len(new),
            )
        self._left_alone = names

    async def _look_again(self) -> None:
        try:
            await self.look()
        except MatineeError as error:
            self._not_looking.hear(str(error))
        else:
            self._not_looking.hear("")

    async def _listen(self, notifications: "Notifications") -> None:
        with contextlib.closing(notifications):
            while True:
                try:
                    await asyncio.to_thread(notifications.wait)
                    self._dropped.set()
                    self._not_hearing.hear("")
                except InvalidInput as error:
                    log.info("incoming/ is looked at regularly: the bucket tells of nothing", reason=str(error))
                    return
                except Unavailable as error:
                    self._not_hearing.hear(str(error))
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

    async def _clear(self, found: Sequence[Drop], taken: Mapping[str, State | None], *, all_seen: bool) -> None:
        """Remove what became a title, and forget what is gone: of a folder that is away or closed nobody knows that."""
        if self._settings.afterwards == "remove":
            for drop in found:
                if taken.get(drop.drop_id) is State.PUBLISHED:
                    await self._remove(drop)
        # One that has its job still would, taken again, make another title, and no job for it.
        jobless = {drop_id for drop_id, state in taken.items() if state is None}
        gone = jobless - {drop.drop_id for drop in found}
        if gone and all_seen:
            async with self._database.write() as connection:
                await drops.forget(connection, gone, self._clock() - REMEMBERED_SECONDS)

    async def _remove(self, drop: Drop) -> None:
        """Remove an object, unless another has taken its place since: that is nobody's title yet."""
        with contextlib.suppress(NotFound):
            if Drop.of(await self._store.head(drop.key)).drop_id == drop.drop_id:
                await self._store.delete([drop.key])


def _may_publish(account: Account) -> bool:
    return Caller(account.account_id, account.email, account.role).may(ACCESS_PUBLISHER)
