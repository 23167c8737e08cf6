"""What a subscription allows, seen at the door: a real edge and a real control, and the bytes of a title."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from protos.v1 import subscriptions_pb2 as pb
from protos.v1.catalogue_pb2 import UpdateTitleRequest
from tests.control_house import House, Metadata, claims_of, running_control
from tests.door import open_door
from tests.offers import cancel, make_plan, subscribe
from tests.patience import until, within
from tests.ports import free_port
from tests.small_asset import ASSET_ID, content, store_asset

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

TALL, LOW = "v1080.mp4", "v360.mp4"


@dataclass
class Cinema:
    """A published title behind a real door, and a viewer with a plan of 1080 lines."""

    house: House
    client: httpx.AsyncClient
    title_id: str
    viewer: Metadata
    signed: str = ""

    async def play(self) -> None:
        """The viewer opens a playback session."""
        answer = await self.client.post(f"/api/v1/titles/{self.title_id}:play", json={}, headers=dict(self.viewer))
        assert answer.status_code == 200, answer.text
        self.signed = answer.json()["hls"].removesuffix("main.m3u8")

    async def status(self, name: str) -> int:
        """How the door answers for the first bytes of a file of the session."""
        return (await self.client.get(self.signed + name, headers={"range": "bytes=0-99"})).status_code

    async def gets(self, name: str, status: int) -> bool:
        """Whether the door answers so."""
        return await self.status(name) == status

    async def put(self, plan_id: str) -> None:
        """The operator sets the viewer's plan."""
        request = pb.SetSubscriptionRequest(account_id=claims_of(self.viewer)["sub"], plan_id=plan_id)
        await self.house.subscriptions.SetSubscription(request, metadata=await self.house.admin())


@pytest.fixture
async def cinema(tmp_path: Path, house_database_url: str, anyio_backend: Any) -> AsyncIterator[Cinema]:
    http = {"port": free_port("127.0.0.1")}
    async with (
        running_control(tmp_path / "data", http=http, database={"url": house_database_url}) as house,
        open_door(house),
    ):
        await store_asset(house.store)
        title_id = await house.film(asset_id=ASSET_ID)
        await make_plan(house, "cinema", level=2, max_height=1080)
        await make_plan(house, "basic", level=2, max_height=360)
        viewer = await house.person("viewer")
        await subscribe(house, viewer, "cinema")
        async with httpx.AsyncClient(base_url=house.settings.public_url, trust_env=False) as client:
            yield Cinema(house, client, title_id, viewer)


async def test_the_plan_limits_what_is_listed_and_what_is_served(cinema: Cinema) -> None:
    await cinema.put("basic")
    await cinema.play()
    playlist = (await cinema.client.get(f"{cinema.signed}main.m3u8")).text
    manifest = (await cinema.client.get(f"{cinema.signed}main.mpd")).text
    assert "v360" in playlist
    assert "v1080" not in playlist + manifest
    refused = await cinema.client.get(cinema.signed + TALL)
    assert (refused.status_code, refused.json()["detail"]) == (403, "this subscription does not include this quality")
    assert await cinema.status("v1080.m3u8") == 403
    assert (await cinema.client.get(cinema.signed + LOW)).content == content(LOW)


async def test_a_limit_that_falls_during_playback_holds_within_a_second(cinema: Cinema) -> None:
    await cinema.play()
    assert await cinema.status(TALL) == 206
    await cinema.put("basic")
    async with within(1):
        await until(lambda: cinema.gets(TALL, 403))
    assert await cinema.status(LOW) == 206
    assert "v1080" not in (await cinema.client.get(f"{cinema.signed}main.m3u8")).text


async def test_a_limit_that_rises_is_there_within_a_second_too(cinema: Cinema) -> None:
    await cinema.put("basic")
    await cinema.play()
    assert await cinema.status(TALL) == 403
    await cinema.put("cinema")
    async with within(1):
        await until(lambda: cinema.gets(TALL, 206))


async def test_a_cancelled_subscription_stops_playback_within_a_second(cinema: Cinema) -> None:
    admin = await cinema.house.admin()
    request = UpdateTitleRequest(title_id=cinema.title_id, plan_id="basic")
    await cinema.house.catalogue.UpdateTitle(request, metadata=admin)
    await cinema.play()
    assert await cinema.status(LOW) == 206
    await cancel(cinema.house, cinema.viewer, now=True)
    async with within(1):
        await until(lambda: cinema.gets(LOW, 403))
    again = await cinema.client.post(f"/api/v1/titles/{cinema.title_id}:play", json={}, headers=dict(cinema.viewer))
    assert (again.status_code, again.json()["detail"]) == (403, "this title needs the plan 'Basic'")


async def test_a_window_that_ends_stops_playback_within_a_second_and_says_why(cinema: Cinema) -> None:
    await cinema.play()
    assert await cinema.status(LOW) == 206
    end = Timestamp()
    end.GetCurrentTime()
    request = UpdateTitleRequest(title_id=cinema.title_id, available_until=end)
    await cinema.house.catalogue.UpdateTitle(request, metadata=await cinema.house.admin())
    async with within(1):
        await until(lambda: cinema.gets(LOW, 403))
    refused = await cinema.client.get(cinema.signed + LOW)
    assert refused.json()["detail"] == "this title is not available any more"
    again = await cinema.client.post(f"/api/v1/titles/{cinema.title_id}:play", json={}, headers=dict(cinema.viewer))
    assert (again.status_code, again.json()["detail"]) == (404, "there is no such title")
