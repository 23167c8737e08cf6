"""How bodies are received: at places that one account cannot take from all others, and not at any slowness."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from edge import bodies
from edge.bodies import PLACES, PLACES_OF_ACCOUNT, paced
from tests.patience import until
from tests.tus import FILM, create, offset_of, patch
from tests.uploads import Control

pytestmark = pytest.mark.anyio


class Bodies:
    """Bodies that bring one byte and then wait for `go_on`."""

    def __init__(self) -> None:
        self.begun = 0
        self.go_on = asyncio.Event()

    async def one(self) -> AsyncIterator[bytes]:
        self.begun += 1
        yield FILM[:1]
        await self.go_on.wait()


class TestPlaces:
    async def test_one_account_leaves_places_to_others(
        self, client: httpx.AsyncClient, control: Control, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slow = Bodies()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(PLACES_OF_ACCOUNT):
                tasks.create_task(patch(client, await create(client), 0, slow.one()))
            await until(lambda: slow.begun == PLACES_OF_ACCOUNT)
            monkeypatch.setattr(bodies, "PLACE_SECONDS", 0.01)
            refused = await patch(client, await create(client), 0, b"x")
            assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
            client.headers["Authorization"] = f"Bearer {control.token('eve')}"
            assert (await patch(client, await create(client), 0, b"x")).status_code == 204
            slow.go_on.set()

    async def test_a_body_waits_for_its_place(self, client: httpx.AsyncClient) -> None:
        slow = Bodies()
        urls = [await create(client) for _ in range(PLACES_OF_ACCOUNT + 1)]
        sent = [asyncio.create_task(patch(client, url, 0, slow.one())) for url in urls]
        await until(lambda: slow.begun == PLACES_OF_ACCOUNT)
        slow.go_on.set()
        assert [answer.status_code for answer in await asyncio.gather(*sent)] == [204] * len(urls)

    async def test_there_are_places_for_several_accounts(self) -> None:
        assert PLACES_OF_ACCOUNT * 4 <= PLACES


async def drip(chunk: bytes, times: int) -> AsyncIterator[bytes]:
    for _ in range(times):
        await asyncio.sleep(0)
        yield chunk


class TestPace:
    @pytest.fixture(autouse=True)
    def quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bodies, "PACE_SECONDS", 0.2)

    async def test_what_came_of_a_body_that_drips_is_kept(self, client: httpx.AsyncClient) -> None:
        url = await create(client)
        answer = await patch(client, url, 0, drip(b"x", 10**9))
        assert answer.status_code == 204
        assert 0 < await offset_of(client, url) == int(answer.headers["Upload-Offset"])

    async def test_a_sender_that_falls_silent_has_ended(self, client: httpx.AsyncClient) -> None:
        url, silent = await create(client), Bodies()
        assert (await patch(client, url, 0, silent.one())).headers["Upload-Offset"] == "1"

    async def test_a_body_that_keeps_its_pace_may_take_any_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bodies, "PACE_BYTES", 4)
        now = asyncio.get_running_loop().time
        began = now()
        async for _ in paced(drip(b"1234", 10**9)):
            if now() - began > 2 * bodies.PACE_SECONDS:
                return
        pytest.fail("the body ended early")

    async def test_the_time_that_storing_takes_does_not_count(self) -> None:
        now = asyncio.get_running_loop().time
        chunks = paced(drip(b"x", 3))
        await anext(chunks)
        began = now()
        await until(lambda: now() - began > 2 * bodies.PACE_SECONDS)
        assert [chunk async for chunk in chunks] == [b"x", b"x"]
