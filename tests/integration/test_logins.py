"""The credential of a command: it is renewed in time, whoever else renews it too."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

import edge.server
from control.accounts.devices import COMMAND_LINE
from matinee import instance
from matinee.cli.api import Answer, Api
from matinee.cli.credential import SavedLogin, open_api
from matinee.cli.state import Sessions
from matinee.settings import Settings, load_settings
from tests.control_house import TurnedClock, running_control
from tests.door import serving
from tests.stack import ROOT

pytestmark = pytest.mark.integration

ACCESS_SECONDS = 15 * 60


@dataclass(frozen=True)
class Instance:
    """A real edge and a real control, whose clock can be turned."""

    settings: Settings
    clock: TurnedClock


@asynccontextmanager
async def running_instance(data: Path, database_url: str) -> AsyncIterator[Instance]:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with running_control(data, database={"url": database_url}) as house, asyncio.TaskGroup() as tasks:
        settings = house.settings.model_copy(update={"http": house.settings.http.model_copy(update={"port": 0})})
        secret = settings.service_token_file.read_text()
        stop = asyncio.Event()
        door = edge.server.serve(settings, house.store, house.channel, secret, stop, on_listening=port.set_result)
        tasks.create_task(door)
        address = f"http://127.0.0.1:{await port}"
        announced = load_settings(data=data, http={"public_url": address})
        instance.announce(announced)
        yield Instance(announced, house.clock)
        stop.set()


@pytest.fixture
def running(portal: BlockingPortal, tmp_path: Path, house_database_url: str) -> Iterator[Instance]:
    with portal.wrap_async_context_manager(running_instance(tmp_path / "data", house_database_url)) as served:
        yield served


@pytest.fixture
def environment(running: Instance, tmp_path: Path) -> dict[str, str]:
    """That of a person at another machine, who has signed in."""
    return signed_in(running, running.settings.public_url, tmp_path / "state")


def signed_in(running: Instance, url: str, state: Path) -> dict[str, str]:
    environment = {**os.environ, "MATINEE_URL": url, "XDG_STATE_HOME": str(state)}
    admin = instance.administrator(running.settings.data)
    with started(
        "login", "--email", admin.email, environment={**environment, "MATINEE_PASSWORD": admin.password}
    ) as done:
        assert done.wait(60) == 0
    return environment


@contextmanager
def started(*command: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    # A shell without job control has what it runs in the background ignore Ctrl-C.
    listening = ["env", "--default-signal=INT", sys.executable, "-m", "matinee"]
    with subprocess.Popen(
        [*listening, *command], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process


def titles(environment: Mapping[str, str]) -> tuple[int, str]:
    """The status with which `matinee titles` ends, and what it says on standard error."""
    with started("titles", environment=environment) as command:
        _, said = command.communicate(timeout=60)
        return command.returncode, said


def test_a_command_outlives_its_access_token(running: Instance) -> None:
    with open_api(running.settings) as api:
        for _ in range(2):
            running.clock.turn(ACCESS_SECONDS + 1)
            assert list(api.pages("/jobs", "jobs")) == []


def sessions_at(running: Instance) -> list[Answer]:
    """Where the administrator is signed in, newest first."""
    with open_api(running.settings) as api:
        return list(api.pages("/account/sessions", "sessions"))


def test_commands_on_the_machine_itself_share_one_session(running: Instance) -> None:
    [own] = sessions_at(running)
    assert (own["device"], own["current"]) == (COMMAND_LINE, True)
    running.clock.turn(ACCESS_SECONDS + 1)
    with ThreadPoolExecutor(2) as commands:
        assert set(commands.map(titles, [on(running)] * 2)) == {(0, "")}
    assert [session["session_id"] for session in sessions_at(running)] == [own["session_id"]]


def test_a_command_on_the_machine_signs_in_anew_when_its_session_was_ended(running: Instance) -> None:
    [own] = sessions_at(running)
    with open_api(running.settings) as api:
        api.call("DELETE", f"/account/sessions/{own['session_id']}")
    assert titles(on(running)) == (0, "")
    [another] = sessions_at(running)
    assert another["session_id"] != own["session_id"]


def on(running: Instance) -> dict[str, str]:
    """The environment of the operator on the machine itself."""
    return {**os.environ, "MATINEE_DATA": str(running.settings.data)}


def test_commands_at_once_share_one_login(running: Instance, environment: dict[str, str]) -> None:
    for _ in range(2):
        running.clock.turn(ACCESS_SECONDS + 1)
        with ThreadPoolExecutor(4) as commands:
            assert set(commands.map(titles, [environment] * 4)) == {(0, "")}


def test_a_command_goes_on_after_another_has_renewed_the_login(running: Instance, environment: dict[str, str]) -> None:
    saved = sessions_of(environment)
    with httpx.Client(trust_env=False) as client:
        login = SavedLogin(Api(running.settings.public_url, client), saved, running.settings.public_url)
        old = login.token()
        running.clock.turn(ACCESS_SECONDS + 1)
        assert titles(environment) == (0, "")
        fresh = saved.get(running.settings.public_url)
        assert fresh
        assert login.token(refused=old) == fresh.access_token != old


def test_a_login_is_renewed_only_when_its_token_is_about_to_end(running: Instance, environment: dict[str, str]) -> None:
    with httpx.Client(trust_env=False) as client:
        api, saved = Api(running.settings.public_url, client), sessions_of(environment)
        now = SavedLogin(api, saved, api.url).token()
        assert SavedLogin(api, saved, api.url).token() == now
        soon = SavedLogin(api, saved, api.url, clock=lambda: time.time() + ACCESS_SECONDS - 10)
        assert soon.token() != now


def test_a_login_survives_ctrl_c_while_it_is_renewed(running: Instance, portal: BlockingPortal, tmp_path: Path) -> None:
    slow = SlowRefresh(running.settings.public_url)
    with portal.wrap_async_context_manager(serving(slow)) as port:
        environment = signed_in(running, f"http://127.0.0.1:{port}", tmp_path / "state")
        running.clock.turn(ACCESS_SECONDS + 1)
        with started("titles", environment=environment) as command:
            assert slow.spent.wait(60)
            command.send_signal(signal.SIGINT)
            slow.answer.set()
            assert command.wait(60) == 130
        assert titles(environment) == (0, "")


def test_a_login_that_has_ended_is_told_with_what_to_do(running: Instance, environment: dict[str, str]) -> None:
    saved = sessions_of(environment).get(running.settings.public_url)
    assert saved
    with httpx.Client(trust_env=False) as client:
        Api(running.settings.public_url, client).call("POST", "/auth:logout", {"refresh_token": saved.refresh_token})
    status, said = titles(environment)
    assert (status, said.count("\n")) == (77, 1)
    assert "has ended: run `matinee login` again" in said


def sessions_of(environment: Mapping[str, str]) -> Sessions:
    return Sessions(Path(environment["XDG_STATE_HOME"]) / "matinee")


class SlowRefresh:
    """A slow way to an instance: once a login has been renewed, the answer is held back."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.spent, self.answer = threading.Event(), threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        headers = {name: value for name, value in request.headers.items() if name in {"authorization", "content-type"}}
        async with httpx.AsyncClient(base_url=self._url, trust_env=False) as client:
            url = httpx.URL(request.url.path, params=dict(request.query_params))
            answer = await client.request(request.method, url, content=await request.body(), headers=headers)
        if request.url.path.endswith("/auth:refresh"):
            self.spent.set()
            await asyncio.to_thread(self.answer.wait, 60)
        await Response(answer.content, answer.status_code)(scope, receive, send)
