"""Every route that the application itself knows, so that a new one is tried too: nothing without a token, and nothing
but what it names.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from edge.app import MEDIA, Door
from edge.bindings import bindings
from edge.grants import Grants
from edge.keys import Keys
from edge.metrics import Metrics
from edge.server import make_door
from tests.control_house import running_control
from tests.small_asset import ASSET_ID, INDEX, store_asset

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
TUS = {"tus-resumable": "1.0.0", "upload-offset": "0", "content-type": "application/offset+octet-stream"}
OPEN_CALLS = {
    "Register", "ConfirmEmail", "RequestPasswordReset", "ResetPassword", "Login", "Refresh", "Logout",
    "ListProviders", "BeginSignIn", "CompleteSignIn", "ListPlans", "ReceivePayment",
}  # fmt: skip
OPEN_PATHS = {"/api/openapi.json", "/.well-known/jwks.json", "/healthz", "/readyz"}
MEDIA_FILES = ("main.m3u8", "main.mpd", *(track.name for track in INDEX.tracks))
UPLOAD_ID = "0" * 32
SECRET = "the password of the administrator"
TRICKS = [
    "..%2f..%2fsecret.txt",
    "..%2F..%2F..%2F..%2Fetc%2Fpasswd",
    "%2e%2e/%2e%2e/secret.txt",
    "../../secret.txt",
    "..%5c..%5csecret.txt",
    "%252e%252e%252fsecret.txt",
    "..%c0%af..%c0%afsecret.txt",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "secret.txt%00",
    "%00",
    "file:%2f%2f%2fetc%2fpasswd",
]


@dataclass
class Theatre:
    """The whole door over a genuine control, with a published title, as a client sees it."""

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


@pytest.fixture(scope="module")
async def theatre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    data: Path = tmp_path_factory.mktemp("data")
    (data / "secret.txt").write_text(SECRET)
    async with running_control(data) as house:
        await store_asset(house.store)
        title_id = await house.film(asset_id=ASSET_ID)
        token = house.settings.service_token_file.read_text().strip()
        admin = await house.admin()
        keys = Keys(house.channel, token)
        grants, metrics = Grants(house.channel, token, "edge-1", keys.refresh), Metrics(house.channel, token, "edge-1")
        door = make_door(
            house.settings, house.store, house.channel, token, keys=keys, grants=grants, metrics=metrics
        )  # fmt: skip
        signed = (
            (await house.play(title_id, admin)).hls.removesuffix("main.m3u8").removeprefix(house.settings.public_url)
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://door") as client:
            yield Theatre(door, client, title_id, dict(admin), signed)


async def test_nothing_answers_without_a_token_but_what_is_meant_for_everybody(theatre: Theatre) -> None:
    answered = set()
    for path in theatre.paths():
        for method in METHODS:
            answer = await theatre.client.request(method, path, headers=TUS)
            if answer.status_code not in (401, 403, 404, 405) and (method != "OPTIONS" or answer.content):
                answered.add(path)
    calls = {binding.template.plain for binding in bindings() if binding.method.name in OPEN_CALLS}
    assert answered - calls == OPEN_PATHS


async def test_the_same_paths_answer_with_a_token(theatre: Theatre) -> None:
    signed = {f"{theatre.signed}{name}" for name in MEDIA_FILES}
    for path in signed | {"/api/v1/titles", "/api/v1/account", f"/api/v1/titles/{theatre.title_id}"}:
        assert (await theatre.client.get(path, headers=theatre.bearer)).status_code == 200, path


@pytest.mark.parametrize("trick", TRICKS)
async def test_tricks_with_paths_open_nothing_anywhere(theatre: Theatre, trick: str) -> None:
    for folder in theatre.folders():
        for method in METHODS[:-1]:
            answer = await theatre.client.request(method, folder + trick, headers=TUS | theatre.bearer)
            refused = answer.status_code in (400, 401, 404, 405, 409)
            assert refused or (folder, answer.status_code) == ("/watch/", 200), (method, folder + trick)
            assert SECRET not in answer.text
            assert "root:" not in answer.text
