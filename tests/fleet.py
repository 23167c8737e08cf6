"""Several controls and edges as processes, each with a data directory of its own, and a film that can be played."""

import asyncio
import json
import os
import secrets
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx

from matinee.rpc.channel import is_serving, open_channel
from matinee.settings import Settings, load_settings
from tests.patience import until
from tests.playhouse import Headers, publish
from tests.ports import free_port

HOST = "127.0.0.1"
TRACK = "v360.mp4"
PASSWORD = "a song about the rain"


@dataclass
class Fleet:
    """The machines of a house: `control-1`, `edge-1` and so on; `doors` are clients of each edge."""

    folder: Path
    settings: Settings
    environment: dict[str, str]
    addresses: list[str]
    doors: list[httpx.AsyncClient] = field(default_factory=list)
    running: dict[str, Process] = field(default_factory=dict)
    title_id: str = ""
    admin: Headers = field(default_factory=dict)

    async def start_control(self, number: int) -> None:
        """Start a control, and wait until it serves."""
        address = self.addresses[number - 1]
        await self._start("control", number, MATINEE_CONTROL__LISTEN=address)
        async with open_channel(address) as channel:
            await until(lambda: is_serving(channel))

    async def start_edge(self, number: int) -> None:
        """Start an edge, and wait until it is ready."""
        client = self.doors[number - 1]
        await self._start("edge", number, MATINEE_HTTP__PORT=str(client.base_url.port))

        async def ready() -> bool:
            try:
                return (await client.get("/readyz")).status_code == HTTPStatus.OK
            except httpx.TransportError:
                return False

        await until(ready)

    async def end(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a machine that ends it."""
        process = self.running.pop(name)
        process.send_signal(number)
        await process.wait()

    async def account(self) -> dict[str, str]:
        """With what a new viewer signs in."""
        who = {"email": f"{secrets.token_hex(6)}@example.com", "password": PASSWORD}
        made = await self.doors[0].post("/api/v1/accounts", json={**who, "role": "ROLE_VIEWER"}, headers=self.admin)
        assert made.is_success, made.text
        return who

    async def viewer(self) -> Headers:
        """What a new viewer sends along."""
        return await self.sign_in(await self.account())

    async def sign_in(self, who: dict[str, str]) -> Headers:
        """What somebody sends along, with a new access token."""
        answer = await self.doors[-1].post("/api/v1/auth:login", json=who)
        assert answer.is_success, answer.text
        return {"authorization": f"Bearer {answer.json()['access_token']}"}

    async def play(self, viewer: Headers, door: int = 0) -> httpx.Response:
        """Ask an edge to open a playback session."""
        return await self.doors[door].post(f"/api/v1/titles/{self.title_id}:play", headers=viewer)

    async def statuses(self, folder: str) -> set[int]:
        """How the edges answer for a track in a signed folder."""
        answers = await asyncio.gather(*(door.get(f"{folder}{TRACK}") for door in self.doors))
        return {answer.status_code for answer in answers}

    async def served(self, viewer: Headers, number: int) -> httpx.Response:
        """A playback session that was opened at one edge, and is served by all."""
        played = await self.play(viewer, number % len(self.doors))
        assert await self.statuses(path(played)) == {HTTPStatus.OK}
        return played

    async def revoke(self, viewer: Headers, played: httpx.Response, number: int) -> None:
        """End a session at an edge, and wait until none serves it."""
        stop = f"/api/v1/playback/{played.json()['session_id']}:stop"
        assert (await self.doors[number % len(self.doors)].post(stop, headers=viewer, json={})).is_success

        async def heard() -> bool:
            return await self.statuses(path(played)) == {HTTPStatus.FORBIDDEN}

        await until(heard)

    async def _start(self, kind: str, number: int, **environment: str) -> None:
        name = f"{kind}-{number}"
        own = {**os.environ, **self.environment, "MATINEE_DATA": str(self.folder / name), **environment}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "matinee", kind, env=own, stdout=log, stderr=log
            )


@asynccontextmanager
async def running_fleet(folder: Path, *, controls: int, edges: int, **settings: str) -> AsyncIterator[Fleet]:
    """So many controls and edges, with settings such as TOKENS__GRANT_SECONDS="3", and a film; they have an end.

    DATABASE__URL is wanted: it is what the controls share.
    """
    addresses = [f"{HOST}:{free_port(HOST)}" for _ in range(controls)]
    (folder / "secret").write_text(secrets.token_hex(32))
    shared = {
        "CONTROL__ADDRESS": ",".join(addresses),
        "CONTROL__SECRET_FILE": str(folder / "secret"),
        "EVENTS__URL": f"sqlite:///{folder / 'events.db'}",
        "STORE__URL": (folder / "objects").as_uri(),
        "HTTP__PUBLIC_URL": "http://films.example",
    }
    environment = {f"MATINEE_{name}": value for name, value in (shared | settings).items()}
    known = load_settings(
        control={"address": shared["CONTROL__ADDRESS"], "secret_file": shared["CONTROL__SECRET_FILE"]},
        store={"url": shared["STORE__URL"]},
    )
    fleet = Fleet(folder, known, environment, addresses)
    async with AsyncExitStack() as stack:
        for _ in range(edges):
            client = httpx.AsyncClient(base_url=f"http://{HOST}:{free_port(HOST)}", trust_env=False, timeout=30)
            fleet.doors.append(await stack.enter_async_context(client))
        try:
            await asyncio.gather(
                *(fleet.start_control(number + 1) for number in range(controls)),
                *(fleet.start_edge(number + 1) for number in range(edges)),
            )
            fleet.admin = await fleet.sign_in(_first_login(folder))
            fleet.title_id = await publish(known, fleet.admin)
            yield fleet
        finally:
            for name in tuple(fleet.running):
                await fleet.end(name)


def _first_login(folder: Path) -> dict[str, str]:
    """What the control that was first has written down."""
    [login] = folder.glob("control-*/admin.json")
    return dict(json.loads(login.read_text()))


def path(played: httpx.Response) -> str:
    """The signed folder of a playback session, the same at every edge; file names follow it."""
    assert played.is_success, played.text
    return httpx.URL(played.json()["hls"]).raw_path.decode().removesuffix("main.m3u8")
