"""Three edges and two controls, which share nothing but a database, a bus and a store: they are one house."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from tests.databases import DATABASES, sqlite_url
from tests.fleet import TRACK, Fleet, path, running_fleet
from tests.patience import PATIENCE, until, within
from tests.playhouse import Headers
from tests.tus import create, patch

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

STREAMS = 2
GRANT_SECONDS = 3
REVOCATION_SECONDS = 1.0
RECONNECT_SECONDS = 3.0
"""How late an edge may find a control that is back: it tries every two seconds."""
PLAYER_SECONDS = 0.05


@pytest.fixture(scope="module", params=DATABASES)
def shared_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database without tables that several controls open."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path_factory.mktemp("shared") / "matinee.db")
    else:
        with request.getfixturevalue("server").database("template1") as url:
            yield url


@pytest.fixture(scope="module")
async def fleet(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    settings = {
        "DATABASE__URL": shared_database,
        "SUBSCRIPTIONS__FREE_STREAMS": str(STREAMS),
        "TOKENS__GRANT_SECONDS": str(GRANT_SECONDS),
    }
    async with running_fleet(tmp_path_factory.mktemp("fleet"), controls=2, edges=3, **settings) as fleet:
        yield fleet


async def test_what_one_edge_has_signed_is_served_by_every_edge(fleet: Fleet) -> None:
    assert await fleet.statuses(path(await fleet.play(await fleet.viewer()))) == {200}


async def test_who_has_signed_in_at_one_edge_goes_on_at_another(fleet: Fleet) -> None:
    one, other, third = fleet.doors
    signed_in = await one.post("/api/v1/auth:login", json=await fleet.account())
    renewed = await other.post("/api/v1/auth:refresh", json={"refresh_token": signed_in.json()["refresh_token"]})
    bearer = {"authorization": f"Bearer {renewed.json()['access_token']}"}
    assert (await third.get("/api/v1/account", headers=bearer)).status_code == 200


async def test_an_upload_that_one_edge_has_begun_goes_on_at_another(fleet: Fleet) -> None:
    spoken = {**fleet.admin, "Tus-Resumable": "1.0.0"}
    async with AsyncExitStack() as stack:
        clients = [httpx.AsyncClient(base_url=door.base_url, headers=spoken, trust_env=False) for door in fleet.doors]
        one, other, third = [await stack.enter_async_context(client) for client in clients]
        url = await create(one, length=9)
        for client, offset, part in ((one, 0, b"abc"), (other, 3, b"def"), (third, 6, b"ghi")):
            assert (await patch(client, url, offset, part)).status_code == 204
        assert (await one.head(url)).headers["Upload-Offset"] == "9"


async def test_an_account_has_no_more_streams_than_it_may_whichever_edges_it_asks(fleet: Fleet) -> None:
    viewer = await fleet.viewer()
    asked = await asyncio.gather(*(fleet.play(viewer, number % 3) for number in range(9)))
    assert Counter(answer.status_code for answer in asked) == {200: STREAMS, 429: 9 - STREAMS}
    playing = next(answer.json()["session_id"] for answer in asked if answer.is_success)
    await fleet.doors[1].post(f"/api/v1/playback/{playing}:stop", headers=viewer, json={})
    assert (await fleet.play(viewer, 2)).status_code == 200
    assert (await fleet.play(viewer, 0)).status_code == 429


async def test_every_edge_tells_pages_what_happens_through_any_other(fleet: Fleet) -> None:
    viewer = await fleet.viewer()
    session = (await fleet.play(viewer)).json()["session_id"]
    async with fleet.doors[2].stream("GET", "/api/v1/notices", headers=viewer) as stream, asyncio.timeout(PATIENCE):
        lines = stream.aiter_lines()
        await anext(lines)  # it is open
        for position in range(1, 7):  # calls go to one control and to the other in turn
            to = {"position_seconds": position / 2}
            door = fleet.doors[position % 2]
            assert (await door.post(f"/api/v1/playback/{session}:seek", headers=viewer, json=to)).is_success
            while f'"position_seconds":{position / 2:g}' not in await anext(lines):
                continue


async def test_every_edge_hears_within_a_second_that_a_session_has_ended(fleet: Fleet) -> None:
    viewer = await fleet.viewer()
    for number in range(30):
        await revoked_in_time(fleet, viewer, number)


async def test_nobody_who_watches_notices_that_a_control_is_killed(fleet: Fleet) -> None:
    folders = [path(await fleet.play(await fleet.viewer(), number)) for number in range(3)]
    async with audience(fleet, folders) as answers:
        for number in (1, 2):
            await fleet.end(f"control-{number}")
            killed = time.monotonic()
            viewer = await fleet.viewer()
            for other in range(6):
                await revoked_in_time(fleet, viewer, other)
            await passed(killed, 2 * GRANT_SECONDS)
            await fleet.start_control(number)
            await passed(time.monotonic(), RECONNECT_SECONDS)
    assert answers.keys() == {"200"}


async def revoked_in_time(fleet: Fleet, viewer: Headers, number: int) -> None:
    """Opens a session at one edge and ends it at another, of which all hear in time."""
    played = await fleet.served(viewer, number)
    async with within(REVOCATION_SECONDS):
        await fleet.revoke(viewer, played, number + 1)


async def passed(since: float, seconds: float) -> None:
    """Waits until so much time has passed since a moment."""
    await until(lambda: time.monotonic() > since + seconds)


@asynccontextmanager
async def audience(fleet: Fleet, folders: list[str]) -> AsyncIterator[Counter[str]]:
    """Players of these films at every edge, as long as the block runs; how often each status was answered."""
    answers = Counter[str]()

    async def watch(door: httpx.AsyncClient, folder: str) -> None:
        while True:
            for name in ("main.m3u8", TRACK):
                try:
                    answers[str((await door.get(f"{folder}{name}")).status_code)] += 1
                except httpx.TransportError as error:
                    answers[type(error).__name__] += 1
                await asyncio.sleep(PLAYER_SECONDS)

    watching = [asyncio.create_task(watch(door, folder)) for door in fleet.doors for folder in folders]
    try:
        yield answers
    finally:
        for task in watching:
            task.cancel()
        await asyncio.wait(watching)
