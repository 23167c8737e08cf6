"""Rotation of signing keys: published first, signing later, verifying to the end."""

import asyncio

import pytest

from control.accounts.keyring import MARGIN_SECONDS, RENEWAL_SECONDS, Keyring, retired, signing_at
from control.database import Database, signing_keys
from control.database.signing_keys import StoredKey
from matinee.tokens import KeySet

pytestmark = pytest.mark.anyio

DAY = 86_400.0


def key(kid: str, signs_from: float, token_seconds: float = 100) -> StoredKey:
    return StoredKey(kid, "", signs_from, signs_from, token_seconds)


KEYS = [key("a", 0), key("b", 1000), key("c", 2000)]


@pytest.mark.parametrize(("now", "kid"), [(-5, "a"), (0, "a"), (999, "a"), (1000, "b"), (1e9, "c")])
def test_the_newest_key_whose_time_has_come_signs(now: float, kid: str) -> None:
    assert signing_at(KEYS, now).kid == kid


def test_a_key_verifies_until_its_last_token_has_expired() -> None:
    end = 1000 + 100 + MARGIN_SECONDS
    assert retired(KEYS, end - 1) == []
    assert [key.kid for key in retired(KEYS, end)] == ["a"]
    assert [key.kid for key in retired(KEYS, 1e9)] == ["a", "b"]


class Time:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


async def opened_keyring(
    database: Database, clock: Time, token_seconds: float = 3600, key_seconds: float = 30 * DAY
) -> Keyring:
    keyring = Keyring(database, clock, token_seconds=token_seconds, key_seconds=key_seconds)
    await keyring.open()
    return keyring


def token(keyring: Keyring, clock: Time, seconds: float = 3600) -> str:
    claims = {"iss": "matinee", "aud": "x", "exp": clock() + seconds}
    return keyring.signing_key().sign("t", claims)


async def test_the_first_start_makes_a_key_that_stays(database: Database) -> None:
    clock = Time()
    first, second = await opened_keyring(database, clock), await opened_keyring(database, clock)
    assert first.signing_key() == second.signing_key()


async def test_a_key_is_renewed_after_its_days(database: Database) -> None:
    clock = Time()
    keyring = await opened_keyring(database, clock)
    old = keyring.signing_key()
    clock.now += 30 * DAY - 1
    await keyring.renew()
    assert keyring.signing_key() == old
    clock.now += 1
    await keyring.renew()
    assert keyring.signing_key() == old
    clock.now += RENEWAL_SECONDS
    assert keyring.signing_key() != old


async def test_no_token_is_refused_while_keys_rotate(database: Database) -> None:
    clock = Time()
    keyring = await opened_keyring(database, clock, key_seconds=7200)
    given: list[tuple[float, str]] = []
    kids = set()
    for _ in range(100):
        clock.now += 600
        await keyring.renew()
        kids.add(keyring.signing_key().kid)
        given = [(end, text) for end, text in given if end > clock.now] + [(clock.now + 3600, token(keyring, clock))]
        for _, text in given:
            keyring.verify(text, "t", "x")
    assert len(kids) > 5
    assert keyring.jwks.count("kid") <= 3


async def test_who_keeps_the_key_set_for_an_hour_refuses_no_token_when_keys_are_renewed(database: Database) -> None:
    clock = Time()
    keyring = await opened_keyring(database, clock)
    kept, fetched_at, kids = KeySet.from_jwks(keyring.jwks, clock), clock.now, set()
    clock.now += 30 * DAY - 3600
    for _ in range(240):
        clock.now += 60
        await keyring.renew()
        if clock.now - fetched_at >= 3600:
            kept, fetched_at = KeySet.from_jwks(keyring.jwks, clock), clock.now
        kids.add(keyring.signing_key().kid)
        kept.verify(token(keyring, clock), "t", "x")
    assert len(kids) == 2


async def test_a_key_set_fetched_at_the_announcement_verifies_what_is_signed_after_it(database: Database) -> None:
    clock = Time()
    keyring = await opened_keyring(database, clock)
    clock.now += 30 * DAY
    await keyring.renew()
    fetched = KeySet.from_jwks(keyring.jwks, clock)
    fetched.verify(token(keyring, clock), "t", "x")
    clock.now += RENEWAL_SECONDS
    fetched.verify(token(keyring, clock), "t", "x")


async def test_a_key_remembers_the_longest_life_of_its_tokens(database: Database) -> None:
    clock = Time()
    await opened_keyring(database, clock, token_seconds=7200)
    await opened_keyring(database, clock, token_seconds=60)
    async with database.read() as connection:
        assert [key.token_seconds for key in await signing_keys.every(connection)] == [7200]
    await opened_keyring(database, clock, token_seconds=9000)
    async with database.read() as connection:
        assert [key.token_seconds for key in await signing_keys.every(connection)] == [9000]


async def test_two_processes_that_renew_at_once_make_one_key(database: Database) -> None:
    clock = Time()
    first, second = await opened_keyring(database, clock), await opened_keyring(database, clock)
    clock.now += 30 * DAY
    await asyncio.gather(first.renew(), second.renew())
    async with database.read() as connection:
        assert len(await signing_keys.every(connection)) == 2
