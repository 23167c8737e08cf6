"""The executor of a Dask cluster: `submit` is the same as that of threads, and so is what becomes of the work.

No more is submitted than there are workers, so that none of it waits behind other work in a worker and is blamed when
that one dies. When the scheduler is lost, what was under way is submitted again once there is one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import structlog
from distributed import Client
from distributed.scheduler import KilledWorker
from typing_extensions import override

from matinee.cluster.connection import ENCODE, address, is_alive, reach, scheduler, security, workers
from matinee.cluster.membership import Membership
from matinee.cluster.work import Origin, perform
from matinee.errors import Cancelled, Unavailable
from matinee.executor import Check, OnSeconds, unchecked, unheard
from matinee.settings import Settings
from matinee.telemetry import request_ids, traces
from matinee.telemetry.instruments import Instruments

POLL_SECONDS = 0.1
LOOK_SECONDS = 1.0
"""How often the scheduler is asked for more workers, while work waits for one."""
END_SECONDS = 2.0
"""How long a worker may take to say that it has stopped."""

log = structlog.get_logger()


class _Lost(Exception):
    """The cluster has forgotten the work."""


@dataclass(eq=False)
class _Work:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    check: Check
    on_seconds: OnSeconds
    name: str = field(default_factory=lambda: uuid4().hex)
    request_id: str = field(default_factory=request_ids.current)
    traceparent: str = field(default_factory=traces.traceparent)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while no worker is at it."""

    def origin(self, topic: str) -> Origin:
        """What a worker is told of it."""
        return Origin(topic, self.name, self.request_id, self.traceparent)

    def hear(self, news: dict[str, Any]) -> None:
        """What a worker tells of it."""
        if "seconds" in news:
            self.on_seconds(news["seconds"])
        elif news["running"]:
            self.idle.clear()
        else:
            self.idle.set()


@asynccontextmanager
async def open_cluster(settings: Settings, instruments: Instruments | None = None) -> AsyncIterator["ClusterExecutor"]:
    """The executor of the cluster that `worker.executor` names; the scheduler need not be there yet.

    Raises `InvalidInput` where certificates are wanted and none are named.
    """
    security(settings)  # refused now, and not with one film after the other
    instruments = instruments or Instruments("worker")
    executor = ClusterExecutor(settings, Membership(settings, instruments.expiries))
    instruments.readiness.depend("scheduler", executor.probe)
    try:
        yield executor
    finally:
        await executor.close()


class ClusterExecutor(Executor):
    """Submits work from the event loop in which it was opened."""

    def __init__(self, settings: Settings, membership: Membership) -> None:
        self._settings = settings
        self._membership = membership
        self._loop = asyncio.get_running_loop()
        self._client: Client | None = None
        self._connecting, self._turn = asyncio.Lock(), asyncio.Lock()
        self._busy, self._freed = 0, asyncio.Event()
        self._manned = True
        """Whether there was a worker when it was last looked for one."""
        self._works: dict[str, _Work] = {}
        self._carrying: set[asyncio.Task[None]] = set()
        self._staying = self._loop.create_task(self._stay_connected())

    @override
    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> "Future[Any]":
        """Call a function in some worker. Its future raises what the function raises, and what `check` raises here.

        It raises `Unavailable` when worker after worker died of it (`distributed.scheduler.allowed-failures`).
        """
        check, on_seconds = named.pop("check", unchecked), named.pop("on_seconds", unheard)
        work = _Work(function, arguments, named, check, on_seconds)
        work.idle.set()
        self._works[work.name] = work
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        carrying = self._loop.create_task(self._carry(work, future))
        self._carrying.add(carrying)
        carrying.add_done_callback(self._carrying.discard)
        return future

    async def close(self) -> None:
        """Stop everything, and hang up."""
        tasks = (self._staying, *self._carrying)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._hang_up()

    async def probe(self) -> None:
        """Raises `Unavailable` while nothing can be encoded: without a scheduler, or without a worker."""
        client, place = self._client, address(self._settings)
        try:
            if client is None or not is_alive(client):
                raise ConnectionError
            found = await asyncio.to_thread(workers, client)
        except OSError as error:
            raise Unavailable(f"the Dask scheduler {place} does not answer") from error
        if not found:
            raise Unavailable(f"the Dask scheduler {place} has no worker that encodes")

    async def _carry(self, work: _Work, future: "Future[Any]") -> None:
        answering = asyncio.create_task(self._answer(work))
        try:
            while not answering.done():
                work.check()
                await asyncio.wait({answering}, timeout=POLL_SECONDS)
            future.set_result(answering.result())
        except BaseException as error:  # noqa: BLE001 - all of it belongs to whoever waits for the future
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
            future.set_exception(error)
        finally:
            del self._works[work.name]

    async def _answer(self, work: _Work) -> Any:
        await self._take_place()
        try:
            while True:
                try:
                    return await self._attempt(work)
                except _Lost:
                    log.warning("the Dask cluster has lost work; submitting it again")
        finally:
            self._busy -= 1
            self._freed.set()

    async def _attempt(self, work: _Work) -> Any:
        client = await self._connected()
        executor = client.get_executor(resources={ENCODE: 1}, pure=False)
        future = executor.submit(perform, work.origin(client.id), work.function, work.arguments, work.named)
        answer = asyncio.wrap_future(future)
        try:
            while not answer.done():
                if not is_alive(client):
                    raise _Lost
                await asyncio.wait({answer}, timeout=POLL_SECONDS)
            if answer.cancelled():
                raise _Lost
            return answer.result()
        except Cancelled as error:  # its worker was told to stop, and not we
            raise _Lost from error
        except KilledWorker as error:
            raise Unavailable(_blame(error)) from error
        finally:
            if await asyncio.to_thread(future.cancel):
                await self._until_idle(work)

    async def _until_idle(self, work: _Work) -> None:
        """Wait for its worker to say that it has stopped."""
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await work.idle.wait()

    async def _take_place(self) -> None:
        """Wait for a worker that has nothing to do, one after the other."""
        async with self._turn:
            while not await self._has_place():
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._freed.wait()
            self._busy += 1

    async def _has_place(self) -> bool:
        self._freed.clear()
        places = await self._places()
        return self._busy < places  # as it is now: work may have ended while the scheduler was asked

    async def _places(self) -> int:
        try:
            found = len(await asyncio.to_thread(workers, await self._connected()))
        except OSError:
            return 0
        if not found and self._manned:
            log.warning("the Dask cluster has no worker; waiting for one", start="matinee dask-worker")
        self._manned = found > 0
        return found

    async def _stay_connected(self) -> None:
        """Have a connection before there is work, and another once the scheduler is back."""
        while True:
            await self._connected()
            await asyncio.sleep(LOOK_SECONDS)

    async def _connected(self) -> Client:
        async with self._connecting:
            if self._client is None or not is_alive(self._client):
                await self._hang_up()
                self._client = await reach(self._settings)
                self._client.subscribe_topic(self._client.id, self._pass_on)
                log.info("connected to the Dask scheduler", address=address(self._settings))
                await self._membership.entered(scheduler(self._client))
            return self._client

    async def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(client.close)

    def _pass_on(self, event: tuple[float, dict[str, Any]]) -> None:
        """What the connection's own thread hears."""
        _, news = event
        self._loop.call_soon_threadsafe(self._hear, news)

    def _hear(self, news: dict[str, Any]) -> None:
        work = self._works.get(news.get("work", ""))
        if work is not None:
            work.hear(news)


def _blame(error: KilledWorker) -> str:
    return (
        f"{error.allowed_failures + 1} workers of the Dask cluster died while they encoded the same piece of the film, "
        f"the last of them {error.last_worker.address}: look at their logs, and at the memory of their machines"
    )
