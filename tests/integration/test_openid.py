"""Sign-in at a certified OpenID provider of others, with a browser that knows forms, redirects and cookies."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from protos.v1.auth_pb2 import (
    ROLE_PUBLISHER,
    CreateAccountRequest,
    GetAccountRequest,
    ListAccountsRequest,
    UpdateAccountRequest,
)
from protos.v1.identity_pb2 import (
    BeginSignInRequest,
    BeginSignInResponse,
    CompleteSignInRequest,
    CompleteSignInResponse,
    ListProvidersRequest,
)
from tests.control_house import House, bearer, refusal, running_control
from tests.openid_provider import SECRET, end, running_provider

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

PUBLIC_URL = "http://127.0.0.1:8080"
CALLBACK = f"{PUBLIC_URL}/sign-in/callback"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with running_provider(CALLBACK) as (running, _):
        yield running


def settings_of(issuer: str, **changes: str) -> dict[str, Any]:
    known = {"provider": "idp", "display_name": "The provider", "issuer": issuer, "client_id": "matinee"}
    away = known | {"provider": "away", "issuer": "http://127.0.0.1:9"}
    mine = {**known, "client_secret": SECRET, **changes}
    return {"oidc": {"providers": [mine, away]}, "http": {"public_url": PUBLIC_URL}}


@pytest.fixture
async def house(issuer: str, tmp_path: Path, anyio_backend: str) -> AsyncIterator[House]:
    async with running_control(tmp_path, **settings_of(issuer)) as running:
        yield running


@dataclass
class Return:
    """With what a browser comes back from the provider."""

    state: str
    code: str
    iss: str


async def begun(house: House, provider: str = "idp") -> BeginSignInResponse:
    return await house.identity.BeginSignIn(
        BeginSignInRequest(provider=provider), metadata=house.client_at("192.0.2.1")
    )


async def browsed(url: str, email: str) -> Return:
    """Go where the provider sends a browser, sign in there and agree, until it sends the browser back to us."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        answer = await browser.get(url)
        while not answer.headers.get("location", "").startswith(CALLBACK):
            if answer.is_redirect:
                answer = await browser.get(urljoin(str(answer.url), answer.headers["location"]))
                continue
            action = re.search(r'action="([^"]+)"', answer.text)
            assert action, answer.text
            prompt = "login" if 'name="login"' in answer.text else "consent"
            form = {"prompt": prompt, "login": email, "password": "any"}
            answer = await browser.post(urljoin(str(answer.url), action[1]), data=form)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return Return(query["state"][0], query["code"][0], query["iss"][0])


async def complete(house: House, back: Return) -> CompleteSignInResponse:
    request = CompleteSignInRequest(state=back.state, code=back.code, iss=back.iss)
    return await house.identity.CompleteSignIn(request, metadata=house.client_at("192.0.2.1"))


async def signed_in(house: House, email: str) -> CompleteSignInResponse:
    return await complete(house, await browsed((await begun(house)).authorization_url, email))


async def test_somebody_new_gets_an_account(house: House) -> None:
    tokens = await signed_in(house, "ada@example.org")
    answer = await house.auth.GetAccount(GetAccountRequest(), metadata=bearer(tokens.access_token))
    assert (answer.account.email, list(answer.account.providers)) == ("ada@example.org", ["idp"])


async def test_somebody_who_comes_again_has_the_same_account(house: House) -> None:
    await signed_in(house, "ada@example.org")
    await signed_in(house, "ada@example.org")
    listed = await house.auth.ListAccounts(ListAccountsRequest(email="ada@example.org"), metadata=await house.admin())
    assert len(listed.accounts) == 1


async def test_an_account_is_linked_by_its_verified_address(house: House) -> None:
    made = (await house.auth.CreateAccount(
        CreateAccountRequest(email="ada@example.org", password="a long password", role=ROLE_PUBLISHER),
        metadata=await house.admin(),
    )).account  # fmt: skip
    tokens = await signed_in(house, "ada@example.org")
    answer = await house.auth.GetAccount(GetAccountRequest(), metadata=bearer(tokens.access_token))
    assert (answer.account.account_id, answer.account.role) == (made.account_id, made.role)


async def test_an_address_that_is_not_verified_opens_nothing(house: House) -> None:
    async with refusal("PERMISSION_DENIED", "The provider has not verified your e-mail address"):
        await signed_in(house, "admin@unverified.example")


async def test_a_disabled_account_stays_out(house: House) -> None:
    await signed_in(house, "ada@example.org")
    admin = await house.admin()
    account = (await house.auth.ListAccounts(ListAccountsRequest(email="ada@example.org"), metadata=admin)).accounts[0]
    await house.auth.UpdateAccount(UpdateAccountRequest(account_id=account.account_id, disabled=True), metadata=admin)
    async with refusal("PERMISSION_DENIED", "may not sign in"):
        await signed_in(house, "ada@example.org")


async def test_a_state_is_good_once_and_ours_alone(house: House) -> None:
    back = await browsed((await begun(house)).authorization_url, "ada@example.org")
    async with refusal("UNAUTHENTICATED", "begin again"):
        await complete(house, Return("another", back.code, back.iss))
    await complete(house, back)
    async with refusal("UNAUTHENTICATED", "completed already"):
        await complete(house, back)


async def test_a_state_is_good_for_ten_minutes(house: House) -> None:
    back = await browsed((await begun(house)).authorization_url, "ada@example.org")
    house.clock.turn(600)
    async with refusal("UNAUTHENTICATED", "expired"):
        await complete(house, back)


async def test_a_code_of_another_sign_in_does_not_fit(house: House) -> None:
    first, second = await begun(house), await begun(house)
    stolen = await browsed(first.authorization_url, "ada@example.org")
    async with refusal("UNAUTHENTICATED", "does not accept"):
        await complete(house, Return(second.state, stolen.code, stolen.iss))


@pytest.mark.parametrize("iss", ["", "https://other.example"])
async def test_an_answer_of_another_issuer_is_refused(house: House, iss: str) -> None:
    back = await browsed((await begun(house)).authorization_url, "ada@example.org")
    async with refusal("UNAUTHENTICATED", "another sign-in provider"):
        await complete(house, Return(back.state, back.code, iss))


async def test_a_wrong_client_secret_is_no_sign_in(issuer: str, tmp_path: Path) -> None:
    settings = settings_of(issuer, client_secret="wrong")
    async with running_control(tmp_path, **settings) as house, refusal("UNAUTHENTICATED", "does not accept"):
        await signed_in(house, "ada@example.org")


async def test_a_provider_that_is_away_disturbs_no_other(house: House) -> None:
    listed = await house.identity.ListProviders(ListProvidersRequest())
    assert [one.provider for one in listed.providers] == ["idp", "away"]
    async with refusal("UNAVAILABLE", "try again later"):
        await begun(house, "away")
    async with refusal("NOT_FOUND"):
        await begun(house, "nobody")
    assert (await begun(house)).state


async def test_a_provider_that_goes_away_meanwhile_is_unavailable(tmp_path: Path) -> None:
    with running_provider(CALLBACK) as (issuer, process):
        async with running_control(tmp_path, **settings_of(issuer)) as house:
            back = await browsed((await begun(house)).authorization_url, "ada@example.org")
            end(process)
            async with refusal("UNAVAILABLE", "does not answer"):
                await complete(house, back)


async def test_where_registration_is_closed_a_provider_makes_no_account(issuer: str, tmp_path: Path) -> None:
    settings = settings_of(issuer) | {"accounts": {"registration": "closed"}}
    async with running_control(tmp_path, **settings) as house, refusal("PERMISSION_DENIED", "made by whoever runs it"):
        await signed_in(house, "ada@example.org")
