"""AuthService over the wire: sign-in, refresh, sign-out."""

import asyncio
from base64 import urlsafe_b64encode

import jwt
import pytest

from control.accounts.sessions import GRACE_SECONDS
from matinee.tokens import ACCESS_AUDIENCE, ACCESS_TYPE, KeySet, SigningKey
from protos.v1.auth_pb2 import (
    ROLE_ADMIN,
    GetAccountRequest,
    GetKeysRequest,
    LoginRequest,
    LogoutRequest,
    RefreshRequest,
    RefreshResponse,
    VerifyTokenRequest,
)
from tests.control_house import House, bearer, refusal

pytestmark = pytest.mark.anyio


async def account_of(house: House, access_token: str) -> str:
    answer = await house.auth.GetAccount(GetAccountRequest(), metadata=bearer(access_token))
    return answer.account.email


async def test_the_admin_of_the_first_start_signs_in(house: House) -> None:
    answer = await house.sign_in()
    account = (await house.auth.GetAccount(GetAccountRequest(), metadata=bearer(answer.access_token))).account
    assert (account.email, account.role) == ("admin@matinee.local", ROLE_ADMIN)
    assert answer.expires_in == 15 * 60


async def test_the_claims_of_an_access_token(house: House) -> None:
    token = (await house.sign_in()).access_token
    keys = KeySet.from_jwks((await house.auth.GetKeys(GetKeysRequest(), metadata=house.service)).jwks)
    claims = keys.verify(token, ACCESS_TYPE, ACCESS_AUDIENCE)
    assert claims["role"] == "admin"
    assert claims["email"] == "admin@matinee.local"
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert len(claims["sub"]) == len(claims["sid"]) == 26


async def test_a_wrong_password_and_an_unknown_account_get_the_same_answer(house: House) -> None:
    known = LoginRequest(email="admin@matinee.local", password="wrong")
    unknown = LoginRequest(email="nobody@matinee.local", password="wrong")
    async with refusal("UNAUTHENTICATED") as first:
        await house.auth.Login(known)
    async with refusal("UNAUTHENTICATED") as second:
        await house.auth.Login(unknown)
    assert first.sentence == second.sentence


async def test_the_email_address_is_taken_in_any_case(house: House) -> None:
    credential = house.credential()
    credential.email = credential.email.upper()
    answer = await house.auth.Login(credential)
    assert await account_of(house, answer.access_token) == "admin@matinee.local"


BAD_CREDENTIALS = [
    LoginRequest(),
    LoginRequest(email="a@b", password=""),
    LoginRequest(email="no address", password="x"),
    LoginRequest(email="a\0@b.example", password="x"),
    LoginRequest(email="a" * 300 + "@b.example", password="x"),
    LoginRequest(email="a@b.example", password="x" * 5000),
]


async def test_input_that_cannot_be_is_refused_with_a_sentence(house: House) -> None:
    for request in BAD_CREDENTIALS:
        async with refusal("INVALID_ARGUMENT"):
            await house.auth.Login(request)


async def test_refreshing_gives_new_tokens(house: House) -> None:
    first = await house.sign_in()
    second = await house.auth.Refresh(RefreshRequest(refresh_token=first.refresh_token))
    assert second.refresh_token != first.refresh_token
    assert await account_of(house, second.access_token) == "admin@matinee.local"


async def test_a_reused_refresh_token_ends_its_whole_family(house: House) -> None:
    first = await house.sign_in()
    second = await house.auth.Refresh(RefreshRequest(refresh_token=first.refresh_token))
    house.clock.turn(GRACE_SECONDS)
    async with refusal("UNAUTHENTICATED", "used before"):
        await house.auth.Refresh(RefreshRequest(refresh_token=first.refresh_token))
    async with refusal("UNAUTHENTICATED"):
        await house.auth.Refresh(RefreshRequest(refresh_token=second.refresh_token))
    async with refusal("UNAUTHENTICATED", "session has ended"):
        await account_of(house, second.access_token)


async def test_other_sessions_survive_a_reused_refresh_token(house: House) -> None:
    stolen, other = await house.sign_in(), await house.sign_in()
    await house.auth.Refresh(RefreshRequest(refresh_token=stolen.refresh_token))
    house.clock.turn(GRACE_SECONDS)
    async with refusal("UNAUTHENTICATED"):
        await house.auth.Refresh(RefreshRequest(refresh_token=stolen.refresh_token))
    assert await house.auth.Refresh(RefreshRequest(refresh_token=other.refresh_token))


async def refreshed(house: House, refresh_token: str, address: str = "192.0.2.1", agent: str = "") -> RefreshResponse:
    request = RefreshRequest(refresh_token=refresh_token)
    return await house.auth.Refresh(request, metadata=house.client_at(address, agent))


async def test_two_tabs_that_refresh_at_once_stay_signed_in_with_the_same_token(house: House) -> None:
    old = (await house.sign_in()).refresh_token
    first, second = await asyncio.gather(refreshed(house, old), refreshed(house, old))
    assert first.refresh_token == second.refresh_token != old
    for tab in (first, second):
        assert await account_of(house, tab.access_token) == "admin@matinee.local"
    assert await refreshed(house, first.refresh_token)


@pytest.mark.parametrize(("address", "agent"), [("198.51.100.66", "Firefox"), ("192.0.2.1", "curl")])
async def test_a_token_that_another_client_has_used_just_now_ends_its_family(
    house: House, address: str, agent: str
) -> None:
    old = (await house.sign_in()).refresh_token
    owner = await refreshed(house, old, agent="Firefox")
    async with refusal("UNAUTHENTICATED", "used before"):
        await refreshed(house, old, address, agent)
    async with refusal("UNAUTHENTICATED"):
        await refreshed(house, owner.refresh_token, agent="Firefox")


async def test_only_the_last_token_has_a_grace(house: House) -> None:
    old = (await house.sign_in()).refresh_token
    second = (await refreshed(house, old)).refresh_token
    third = (await refreshed(house, second)).refresh_token
    async with refusal("UNAUTHENTICATED", "used before"):
        await refreshed(house, old)
    async with refusal("UNAUTHENTICATED"):
        await refreshed(house, third)


async def test_a_thief_who_comes_in_the_grace_is_found_out_at_the_next_refresh(house: House) -> None:
    stolen = (await house.sign_in()).refresh_token
    owner, thief = await refreshed(house, stolen), await refreshed(house, stolen)
    house.clock.turn(15 * 60)
    latest = await refreshed(house, owner.refresh_token)
    house.clock.turn(GRACE_SECONDS)
    async with refusal("UNAUTHENTICATED", "used before"):
        await refreshed(house, thief.refresh_token)
    async with refusal("UNAUTHENTICATED", "session has ended"):
        await account_of(house, latest.access_token)


async def test_an_unknown_refresh_token_is_refused(house: House) -> None:
    async with refusal("UNAUTHENTICATED"):
        await house.auth.Refresh(RefreshRequest(refresh_token="never given"))


async def test_an_unused_refresh_token_expires(house: House) -> None:
    request = RefreshRequest(refresh_token=(await house.sign_in()).refresh_token)
    house.clock.turn(30 * 86_400)
    async with refusal("UNAUTHENTICATED", "session has ended"):
        await house.auth.Refresh(request)


async def test_signing_out_ends_the_session_at_once(house: House) -> None:
    tokens = await house.sign_in()
    await house.auth.Logout(LogoutRequest(refresh_token=tokens.refresh_token))
    async with refusal("UNAUTHENTICATED"):
        await account_of(house, tokens.access_token)
    async with refusal("UNAUTHENTICATED"):
        await house.auth.Refresh(RefreshRequest(refresh_token=tokens.refresh_token))


async def test_an_access_token_expires(house: House) -> None:
    token = (await house.sign_in()).access_token
    house.clock.turn(15 * 60)
    async with refusal("UNAUTHENTICATED", "expired"):
        await account_of(house, token)


async def forged(house: House) -> list[str]:
    """Tokens that look like ours: of another key under our kid, unsigned, with another signature; and no tokens."""
    token = (await house.sign_in()).access_token
    header, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    stranger = SigningKey.generate(header["kid"]).sign(ACCESS_TYPE, claims)
    payload = token.split(".")[1]
    none = urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt","kid":"%s"}' % header["kid"].encode()).decode().rstrip("=")
    return [stranger, f"{none}.{payload}.", token[:-4] + "AAAA", "not a token", ""]


async def test_forged_access_tokens_are_refused(house: House) -> None:
    for token in await forged(house):
        async with refusal("UNAUTHENTICATED"):
            await account_of(house, token)
        async with refusal("UNAUTHENTICATED"):
            await house.auth.VerifyToken(VerifyTokenRequest(access_token=token), metadata=house.service)


async def test_verify_token_answers_with_the_account(house: House) -> None:
    token = (await house.sign_in()).access_token
    answer = await house.auth.VerifyToken(VerifyTokenRequest(access_token=token), metadata=house.service)
    assert answer.account.email == "admin@matinee.local"
