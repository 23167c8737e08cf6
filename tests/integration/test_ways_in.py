"""Every way to open a session is told on `user-authenticated`, and a session that goes on is not told again."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.bindings import bindings
from protos.v1.auth_pb2 import ConfirmEmailRequest, LoginRequest, RefreshRequest, RegisterRequest
from protos.v1.events_pb2 import UserAuthenticated
from protos.v1.identity_pb2 import BeginSignInRequest, CompleteSignInRequest
from tests.control_house import House, Metadata, bearer, claims_of, running_control
from tests.openid_provider import SECRET, browsed, running_provider
from tests.patience import until
from tests.smtp import Mailbox, mail_server

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

PUBLIC_URL = "http://127.0.0.1:8080"
CALLBACK = f"{PUBLIC_URL}/sign-in/callback"
EMAIL, PASSWORD, ADDRESS = "ada@example.org", "a long password", "192.0.2.7"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


@dataclass
class Entrance:
    """A house with a mail server and a provider, and a visitor at it."""

    house: House
    box: Mailbox

    @property
    def visitor(self) -> Metadata:
        return self.house.client_at(ADDRESS, FIREFOX)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with running_provider(CALLBACK) as (running, _):
        yield running


@pytest.fixture
async def entrance(issuer: str, tmp_path: Path, house_database_url: str, anyio_backend: str) -> AsyncIterator[Entrance]:
    provider = {"provider": "idp", "display_name": "The provider", "issuer": issuer, "client_id": "matinee"}
    async with (
        mail_server() as box,
        running_control(
            tmp_path,
            database={"url": house_database_url},
            mail={"smtp_url": box.url},
            oidc={"providers": [{**provider, "client_secret": SECRET}]},
            http={"public_url": PUBLIC_URL},
        ) as house,
    ):
        yield Entrance(house, box)


async def by_registration(at: Entrance) -> str:
    await at.house.auth.Register(RegisterRequest(email=EMAIL, password=PASSWORD), metadata=at.visitor)
    await until(lambda: at.box.messages)
    found = re.search(r"token=(\S+)", at.box.text(0))
    assert found
    return (await at.house.auth.ConfirmEmail(ConfirmEmailRequest(token=found[1]), metadata=at.visitor)).access_token


async def by_password(at: Entrance) -> str:
    await by_registration(at)
    return (await at.house.auth.Login(LoginRequest(email=EMAIL, password=PASSWORD), metadata=at.visitor)).access_token


async def by_provider(at: Entrance) -> str:
    begun = await at.house.identity.BeginSignIn(BeginSignInRequest(provider="idp"), metadata=at.visitor)
    back = await browsed(begun.authorization_url, EMAIL, CALLBACK)
    request = CompleteSignInRequest(state=back.state, code=back.code, iss=back.iss)
    return (await at.house.identity.CompleteSignIn(request, metadata=at.visitor)).access_token


WAYS: dict[str, tuple[Callable[[Entrance], Awaitable[str]], str]] = {
    "ConfirmEmail": (by_registration, "password"),
    "Login": (by_password, "password"),
    "CompleteSignIn": (by_provider, "idp"),
}


def test_there_is_no_other_way() -> None:
    opening = {one.method.name for one in bindings() if "refresh_token" in one.method.output_type.fields_by_name}
    assert opening - {"Refresh"} == WAYS.keys()


@pytest.mark.parametrize("call", WAYS)
async def test_a_session_that_is_opened_is_told_whichever_way(entrance: Entrance, call: str) -> None:
    way, method = WAYS[call]
    claims = claims_of(bearer(await way(entrance)))
    event = (await entrance.house.events(UserAuthenticated))[-1]
    assert (event.account_id, event.session_id) == (claims["sub"], claims["sid"])
    assert (event.method, event.device, event.address) == (method, "Firefox on Linux", ADDRESS)
    assert event.time.ToSeconds() == pytest.approx(claims["iat"], abs=1)


async def test_a_session_that_goes_on_is_not_told_again(entrance: Entrance) -> None:
    signed_in = await entrance.house.sign_in()
    before = await entrance.house.events(UserAuthenticated)
    await entrance.house.auth.Refresh(RefreshRequest(refresh_token=signed_in.refresh_token))
    assert await entrance.house.events(UserAuthenticated) == before
