"""Services that stop, die and come back while viewers watch, and keys that change under them."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.patience import until
from tests.playhouse import Playhouse, audience, opened

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

STOP_SECONDS = 30
RECOVERY_SECONDS = 5


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playhouse]:
    async with opened(tmp_path_factory.mktemp("house"), TOKENS__GRANT_SECONDS="3") as house:
        yield house


async def keys(house: Playhouse) -> int:
    """How many keys are published."""
    return len((await house.client.get("/.well-known/jwks.json")).json()["keys"])


async def rotating(house: Playhouse) -> "asyncio.Task[httpx.Response]":
    """A rotation of the keys that control is at: a call that takes two seconds."""
    before = await keys(house)
    call = asyncio.create_task(house.client.post("/api/v1/keys:rotate", headers=house.bearer))

    async def begun() -> bool:
        return await keys(house) > before

    await until(begun)
    return call


async def test_no_good_token_is_refused_while_keys_rotate(house: Playhouse) -> None:
    async with audience(house) as viewers:
        for _ in range(2):
            assert (await (await rotating(house))).status_code == 200
            house.bearer = await house.sign_in()
        seen = viewers.answers.total()

        async def went_on() -> bool:
            return viewers.answers.total() > seen + 100

        await until(went_on)
    assert viewers.answers.keys() == {"200", "404"}
    assert len(viewers.kids) == 3


async def test_an_edge_that_shall_stop_answers_what_it_was_asked(house: Playhouse) -> None:
    async with audience(house) as viewers:
        slow = await rotating(house)
        asked = time.monotonic()
        assert await house.end("edge") == 0
        assert time.monotonic() - asked < STOP_SECONDS
    await house.start("edge")
    assert (await slow).status_code == 200
    assert viewers.answers.keys() <= {"200", "404"}


async def test_a_control_that_shall_stop_answers_what_it_was_asked_and_the_rest_is_told_to_come_back(
    house: Playhouse,
) -> None:
    async with audience(house) as viewers:
        slow = await rotating(house)
        asked = time.monotonic()
        assert await house.end("control") == 0
        assert time.monotonic() - asked < STOP_SECONDS
        await house.start("control")
        await until(house.ready, RECOVERY_SECONDS)
    assert (await slow).status_code == 200
    assert viewers.answers.keys() <= {"200", "404", "503"}


async def test_without_control_viewers_watch_until_their_grants_end_and_all_is_well_when_it_is_back(
    house: Playhouse,
) -> None:
    watched, new = await house.play(), await house.play()
    assert await status(house, watched) == 200
    await house.end("control", signal.SIGKILL)
    assert await status(house, watched) == 200
    assert await status(house, new) == 503
    assert (await house.client.get("/api/v1/titles", headers=house.bearer)).headers["retry-after"]

    async def grant_ended() -> bool:
        return await status(house, watched) == 503

    await until(grant_ended, 5)
    await house.start("control")

    async def recovered() -> bool:
        return [await status(house, folder) for folder in (watched, new)] == [200, 200]

    await until(recovered, RECOVERY_SECONDS)


async def status(house: Playhouse, folder: str) -> int:
    """How a track in this signed folder is answered; with 503 comes when to try again."""
    answer = await house.client.get(f"{folder}v360.mp4")
    assert ("retry-after" in answer.headers) == (answer.status_code == 503)
    return answer.status_code
