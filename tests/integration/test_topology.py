"""The house of docker-compose.yml as plain processes: a film goes in, plays, and goes on when some of them die."""

import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from urllib.parse import urljoin

import httpx
import pytest

from tests.composition import services
from tests.films import shared_film
from tests.machine import require
from tests.openid_provider import browsed
from tests.patience import wait_until
from tests.topology import Topology, running_topology

pytestmark = [pytest.mark.integration, pytest.mark.anyio, pytest.mark.timeout(400)]

PIECE = 1024
Headers = dict[str, str]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topology]:
    """Everything, started in the order in which the composition does."""
    for name in ("HAProxy", "PostgreSQL", "Apache Kafka", "SeaweedFS", "the OpenID provider"):
        require(name)
    with running_topology(tmp_path_factory.mktemp("house")) as house:
        with httpx.Client(base_url=house.url, verify=trusted(house), trust_env=False) as client:
            wait_until(lambda: client.get("/readyz").status_code == 200, reproach=lambda: house.log("balancer"))
        yield house


def trusted(house: Topology) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=house.secrets / "trusted.pem")


@pytest.fixture
async def browser(house: Topology, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=house.url, verify=trusted(house), trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def title_id(house: Topology) -> str:
    """A film that came in through the balancer, from the machine of a publisher."""
    admin = json.loads((house.folder / "control" / "admin.json").read_text())
    assert matinee(house, "login", "--email", admin["email"], MATINEE_PASSWORD=admin["password"]).returncode == 0
    done = matinee(house, "ingest", str(shared_film()), "--title", "A film", "--wait", "--json")
    assert done.returncode == 0, done.stderr + house.log("worker")
    return str(json.loads(done.stdout)["title_id"])


def matinee(house: Topology, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command of the command line, on a machine that knows the house by its address alone."""
    known = {
        "MATINEE_URL": house.url,
        "SSL_CERT_FILE": str(house.secrets / "trusted.pem"),
        "XDG_STATE_HOME": str(house.folder / "state"),
    }
    return subprocess.run(
        [sys.executable, "-m", "matinee", *arguments], cwd=house.folder, env={**os.environ, **known, **environment},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


async def signed_in(house: Topology, browser: httpx.AsyncClient) -> Headers:
    admin = json.loads((house.folder / "control" / "admin.json").read_text())
    answer = await browser.post("/api/v1/auth:login", json=admin)
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


def test_every_service_of_ours_is_well_as_its_health_check_says(house: Topology) -> None:
    for service in services().values():
        if service.is_ours and service.health_check:
            for address in house.addresses[service.name]:
                command = [sys.executable, *(house.local(word, address) for word in service.health_check[1:])]
                wait_until(lambda: subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0)  # noqa: B023


async def test_news_come_through_the_balancer_as_they_happen(house: Topology, browser: httpx.AsyncClient) -> None:
    bearer = await signed_in(house, browser)
    async with browser.stream("GET", "/api/v1/notices", headers=bearer) as answer:
        assert (await anext(answer.aiter_lines())).startswith("retry:")


async def test_a_client_is_whom_the_balancer_saw_whatever_it_says_itself(house: Topology) -> None:
    here = f"{house.net}.9"
    way = httpx.AsyncHTTPTransport(verify=trusted(house), local_address=here)
    async with httpx.AsyncClient(base_url=house.url, transport=way, headers={"x-forwarded-for": "192.0.2.7"}) as client:
        bearer = await signed_in(house, client)
        sessions = (await client.get("/api/v1/account/sessions", headers=bearer)).json()["sessions"]
    assert here in {session["address"] for session in sessions}


async def test_a_client_cannot_say_what_its_request_is_called_in_our_logs(browser: httpx.AsyncClient) -> None:
    said = {"x-request-id": "mine-and-mine-alone", "traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}
    answer = await browser.get("/api/v1/titles", headers=said)
    assert answer.headers["x-request-id"] not in {said["x-request-id"], "1" * 32}


async def test_somebody_signs_in_at_the_provider(house: Topology, browser: httpx.AsyncClient) -> None:
    begun = (await browser.post("/api/v1/auth/providers/house:begin", json={})).json()
    callback = f"{house.url}/sign-in/callback"
    back = await browsed(begun["authorization_url"], "ada@example.org", callback, verify=trusted(house))
    tokens = (await browser.post("/api/v1/auth:completeSignIn", json=asdict(back))).json()
    account = await browser.get("/api/v1/account", headers={"authorization": f"Bearer {tokens['access_token']}"})
    assert account.json()["account"]["email"] == "ada@example.org"


async def test_a_film_plays_on_when_an_edge_and_a_control_die_and_then_the_other_control_too(
    house: Topology, browser: httpx.AsyncClient, title_id: str
) -> None:
    bearer = await signed_in(house, browser)
    played = (await browser.post(f"/api/v1/titles/{title_id}:play", headers=bearer)).json()
    assert played["hls"].startswith(house.url)
    url = await media_of(browser, played["hls"])
    whole = (await browser.get(url)).content
    pieces = []
    for start in range(0, len(whole), PIECE):
        if start == 5 * PIECE:
            house.kill("edge", 0)
            house.kill("control", 0)
        answer = await browser.get(url, headers={"range": f"bytes={start}-{start + PIECE - 1}"})
        assert answer.status_code == 206, answer.text
        pieces.append(answer.content)
    assert len(pieces) > 10
    assert b"".join(pieces) == whole
    again = await browser.post(f"/api/v1/titles/{title_id}:play", headers=bearer)
    assert again.status_code == 200, again.text
    assert "URISigningPackage" not in house.log("balancer")

    house.kill("control", 1)
    wait_until(lambda: "backend edges has no server available" in house.log("balancer"))
    assert (await browser.get(url, headers={"range": "bytes=0-99"})).status_code == 206


async def media_of(browser: httpx.AsyncClient, master: str) -> str:
    """The file of the first rendition of an HLS presentation."""
    variant = next(line for line in (await browser.get(master)).text.splitlines() if line and not line.startswith("#"))
    playlist = await browser.get(urljoin(master, variant))
    [media] = re.findall(r'#EXT-X-MAP:URI="([^"]+)"', playlist.text)
    return urljoin(str(playlist.url), str(media))
