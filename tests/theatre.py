"""The whole door over a genuine control, with a published title, as a client sees it; every route by its own tables."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from edge.app import MEDIA, Door
from edge.bindings import bindings
from edge.grants import Grants
from edge.keys import Keys
from edge.metrics import Metrics
from edge.server import make_door
from tests.control_house import House, running_control
from tests.small_asset import ASSET_ID, INDEX, store_asset

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
TUS = {"tus-resumable": "1.0.0", "upload-offset": "0", "content-type": "application/offset+octet-stream"}
MEDIA_FILES = ("main.m3u8", "main.mpd", *(track.name for track in INDEX.tracks))
UPLOAD_ID = "0" * 32


@dataclass
class Theatre:
    """A door, with what a client needs to knock at it."""

    house: House
    door: Door
    client: httpx.AsyncClient
    title_id: str
    bearer: dict[str, str]
    signed: str

    def paths(self) -> set[str]:
        """A path of every route, each naming something that is there."""
        api = {re.sub(r"\{[^}]*\}", self.title_id, binding.template.plain) for binding in bindings()}
        prefixed = {f"{prefix}{UPLOAD_ID}" for prefix in self.door._below}
        media = {f"{MEDIA}{ASSET_ID}/{name}" for name in MEDIA_FILES}
        return api | prefixed | media | self.door._exact.keys()

    def folders(self) -> set[str]:
        """Every place in a path that a client fills in, what comes behind it left out."""
        api = {binding.template.plain.partition("{")[0] for binding in bindings() if "{" in binding.template.plain}
        exact = {f"{path}/" for path in self.door._exact}
        media = {MEDIA, f"{MEDIA}{ASSET_ID}/", self.signed}
        return api | exact | media | self.door._below.keys() | {"/", "/assets/", "/watch/"}


@asynccontextmanager
async def open_theatre(data: Path) -> AsyncIterator[Theatre]:
    """A theatre in a folder, with its admin signed in and playing."""
    async with running_control(data) as house:
        await store_asset(house.store)
        title_id = await house.film(asset_id=ASSET_ID)
        token = house.settings.service_token_file.read_text().strip()
        admin = await house.admin()
        keys = Keys(house.channel, token, pause=0.0)
        grants, metrics = Grants(house.channel, token, "edge-1", keys.refresh), Metrics(house.channel, token, "edge-1")
        door = make_door(
            house.settings, house.store, house.channel, token, keys=keys, grants=grants, metrics=metrics
        )  # fmt: skip
        signed = (
            (await house.play(title_id, admin)).hls.removesuffix("main.m3u8").removeprefix(house.settings.public_url)
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://door") as client:
            yield Theatre(house, door, client, title_id, dict(admin), signed)
