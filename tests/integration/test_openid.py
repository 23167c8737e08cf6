"""Sign-in at a certified OpenID provider of others, and what hostile providers, clients and links try with it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

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
from tests.control_house import House, bearer, claims_of, refusal, running_control
from tests.openid_provider import SECRET, Return, browsed, end, rotate_keys, running_provider

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

PUBLIC_URL = "http://127.0.0.1:8080"
CALLBACK = f"{PUBLIC_URL}/sign-in/callback"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with running_provider(CALLBACK) as (running, _):
        yield running


def known(issuer: str, name: str = "idp", **changes: str) -> dict[str, str]:
    known = {"provider": name, "display_name": "The provider", "issuer": issuer, "client_id": "matinee"}
    return {**known, "client_secret": SECRET, **changes}


def settings_of(issuer: str, **changes: str) -> dict[str, Any]:
    mine, away = known(issuer, **changes), known("http://127.0.0.1:9", "away")
    return {"oidc": {"providers": [mine, away]}, "http": {"public_url": PUBLIC_URL}}


def changed(url: str, **parameters: str) -> str:
    """A URL with other parameters in its query."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | parameters
    return urlunsplit(parts._replace(query=urlencode(query)))


@pytest.fixture
async def house(issuer: str, tmp_path: Path, house_database_url: str, anyio_backend: str) -> AsyncIterator[House]:
    async with running_control(tmp_path, database={"url": house_database_url}, **settings_of(issuer)) as running:
        yield running


async def begun(house: House, provider: str = "idp") -> BeginSignInResponse:
    return await house.identity.BeginSignIn(
        BeginSignInRequest(provider=provider), metadata=house.client_at("192.0.2.1")
    )


async def complete(house: House, back: Return) -> CompleteSignInResponse:
    request = CompleteSignInRequest(state=back.state, code=back.code, iss=back.iss)
    return await house.identity.CompleteSignIn(request, metadata=house.client_at("192.0.2.1"))


async def signed_in(house: House, email: str) -> CompleteSignInResponse:
    return await complete(house, await browsed((await begun(house)).authorization_url, email, CALLBACK))


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
    back = await browsed((await begun(house)).authorization_url, "ada@example.org", CALLBACK)
    async with refusal("UNAUTHENTICATED", "begin again"):
        await complete(house, Return("another", back.code, back.iss))
    await complete(house, back)
    async with refusal("UNAUTHENTICATED", "completed already"):
        await complete(house, back)


async def test_a_state_is_good_for_ten_minutes(house: House) -> None:
    back = await browsed((await begun(house)).authorization_url, "ada@example.org", CALLBACK)
    house.clock.turn(600)
    async with refusal("UNAUTHENTICATED", "expired"):
        await complete(house, back)


async def test_a_code_of_another_sign_in_does_not_fit(house: House) -> None:
    first, second = await begun(house), await begun(house)
    stolen = await browsed(first.authorization_url, "ada@example.org", CALLBACK)
    async with refusal("UNAUTHENTICATED", "does not accept"):
        await complete(house, Return(second.state, stolen.code, stolen.iss))


async def test_an_id_token_with_the_nonce_of_another_sign_in_is_refused(house: House) -> None:
    mine = await begun(house)
    back = await browsed(changed(mine.authorization_url, nonce="of-an-attacker"), "ada@example.org", CALLBACK)
    async with refusal("UNAUTHENTICATED", "does not verify"):
        await complete(house, back)


async def test_a_code_that_was_given_to_another_client_is_refused(house: House) -> None:
    mine = await begun(house)
    other = changed(mine.authorization_url, client_id="another")
    async with refusal("UNAUTHENTICATED", "does not accept"):
        await complete(house, await browsed(other, "ada@example.org", CALLBACK))


async def test_a_code_without_the_verifier_of_its_sign_in_is_refused(house: House) -> None:
    mine = await begun(house)
    injected = changed(mine.authorization_url, code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    async with refusal("UNAUTHENTICATED", "does not accept"):
        await complete(house, await browsed(injected, "ada@example.org", CALLBACK))


@pytest.mark.parametrize("code", ["made-up", "x" * 4_096])
async def test_a_code_that_nobody_gave_is_refused_and_spends_the_state(house: House, code: str) -> None:
    mine = await begun(house)
    back = await browsed(mine.authorization_url, "ada@example.org", CALLBACK)
    async with refusal("UNAUTHENTICATED", "does not accept"):
        await complete(house, Return(back.state, code, back.iss))
    async with refusal("UNAUTHENTICATED", "completed already"):
        await complete(house, back)


async def test_a_code_of_one_provider_is_not_taken_to_another(issuer: str, tmp_path: Path) -> None:
    with running_provider(CALLBACK) as (evil, _):
        settings: dict[str, Any] = settings_of(issuer)
        settings["oidc"]["providers"].append(known(evil, "evil"))
        async with running_control(tmp_path, **settings) as house:
            at_evil = await begun(house, "evil")
            honest = await browsed((await begun(house)).authorization_url, "ada@example.org", CALLBACK)
            async with refusal("UNAUTHENTICATED", "another sign-in provider"):
                await complete(house, Return(at_evil.state, honest.code, honest.iss))
            async with refusal("UNAUTHENTICATED", "does not accept"):
                await complete(house, Return((await begun(house, "evil")).state, honest.code, evil))


async def test_a_provider_that_signs_with_another_key_between_two_sign_ins_is_believed(tmp_path: Path) -> None:
    with running_provider(CALLBACK) as (issuer, process):
        async with running_control(tmp_path, **settings_of(issuer)) as house:
            first = await signed_in(house, "ada@example.org")
            for key in ("key-2", "key-3"):
                assert rotate_keys(process) == key
                again = await signed_in(house, "ada@example.org")
                assert claims_of(bearer(again.access_token))["sub"] == claims_of(bearer(first.access_token))["sub"]


@pytest.mark.parametrize("iss", ["", "https://other.example"])
async def test_an_answer_of_another_issuer_is_refused(house: House, iss: str) -> None:
    back = await browsed((await begun(house)).authorization_url, "ada@example.org", CALLBACK)
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
            back = await browsed((await begun(house)).authorization_url, "ada@example.org", CALLBACK)
            end(process)
            async with refusal("UNAVAILABLE", "does not answer"):
                await complete(house, back)


async def test_where_registration_is_closed_a_provider_makes_no_account(issuer: str, tmp_path: Path) -> None:
    settings = settings_of(issuer) | {"accounts": {"registration": "closed"}}
    async with running_control(tmp_path, **settings) as house, refusal("PERMISSION_DENIED", "made by whoever runs it"):
        await signed_in(house, "ada@example.org")
