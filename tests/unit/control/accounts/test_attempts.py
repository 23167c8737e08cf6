"""How many attempts to sign in may fail: of one address, at one account, and not for others."""

import asyncio
import math

import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from control.accounts.attempts import OF_ACCOUNT, OF_ADDRESS, TURNS, Attempts, Rate, network
from control.accounts.passwords import Passwords
from matinee.errors import ResourceExhausted, Unauthenticated
from matinee.rpc.call_errors import CallError, from_call_error
from matinee.rpc.metadata import CLIENT_ADDRESS_KEY, SERVICE_TOKEN_KEY
from protos.v1.auth_pb2 import LoginRequest
from tests.control_house import House, Metadata, refusal
from tests.patience import until

pytestmark = pytest.mark.anyio

MOST_OF_ADDRESS, ADDRESS_SECONDS = OF_ADDRESS
MOST_OF_ACCOUNT, ACCOUNT_SECONDS = OF_ACCOUNT
WRONG = LoginRequest(email="admin@matinee.local", password="wrong")


class Clock:
    """Time that a test moves."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    return Attempts(clock)


async def fail(attempts: Attempts, address: str, email: str = "a@b.example", times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            async with attempts.one(email, address):
                raise Unauthenticated("no")


async def succeed(attempts: Attempts, address: str, email: str = "a@b.example") -> None:
    async with attempts.one(email, address):
        pass


class TestAddress:
    async def test_after_so_many_failures_an_address_must_wait(self, attempts: Attempts, clock: Clock) -> None:
        await fail(attempts, "192.0.2.1", times=MOST_OF_ADDRESS)
        with pytest.raises(ResourceExhausted, match=f"try again in {ADDRESS_SECONDS:.0f} s"):
            await succeed(attempts, "192.0.2.1")
        clock.now += ADDRESS_SECONDS
        await fail(attempts, "192.0.2.1")
        with pytest.raises(ResourceExhausted):
            await succeed(attempts, "192.0.2.1")

    async def test_failures_are_forgotten_in_time(self, attempts: Attempts, clock: Clock) -> None:
        await fail(attempts, "192.0.2.1", times=MOST_OF_ADDRESS)
        clock.now += MOST_OF_ADDRESS * ADDRESS_SECONDS
        await fail(attempts, "192.0.2.1", times=MOST_OF_ADDRESS)

    async def test_whatever_account_is_named(self, attempts: Attempts) -> None:
        for number in range(MOST_OF_ADDRESS):
            await fail(attempts, "192.0.2.1", f"{number}@b.example")
        with pytest.raises(ResourceExhausted):
            await succeed(attempts, "192.0.2.1")

    async def test_an_account_of_ones_own_does_not_clear_the_address(self, attempts: Attempts) -> None:
        await fail(attempts, "192.0.2.1", times=MOST_OF_ADDRESS - 1)
        await succeed(attempts, "192.0.2.1", "own@b.example")
        await fail(attempts, "192.0.2.1")
        with pytest.raises(ResourceExhausted):
            await succeed(attempts, "192.0.2.1", "own@b.example")

    async def test_an_attempt_that_is_cut_off_has_failed(self, attempts: Attempts) -> None:
        await fail(attempts, "192.0.2.1", times=MOST_OF_ADDRESS - 1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), attempts.one("a@b.example", "192.0.2.1"):
                await asyncio.Event().wait()
        with pytest.raises(ResourceExhausted):
            await succeed(attempts, "192.0.2.1")

    async def test_success_may_come_as_often_as_it_likes(self, attempts: Attempts) -> None:
        for _ in range(2 * MOST_OF_ACCOUNT):
            await succeed(attempts, "192.0.2.1")

    async def test_one_address_never_uses_up_an_account(self, attempts: Attempts, clock: Clock) -> None:
        for _ in range(1_000):
            try:
                await fail(attempts, "192.0.2.1")
            except ResourceExhausted:
                clock.now += 1
        await succeed(attempts, "198.51.100.1")

    async def test_a_flood_of_one_address_waits_for_its_turns(self, attempts: Attempts) -> None:
        inside, go_on = list[int](), asyncio.Event()

        async def attempt(number: int) -> None:
            async with attempts.one("a@b.example", "192.0.2.1"):
                inside.append(number)
                await go_on.wait()
                raise Unauthenticated("no")

        flood = [asyncio.create_task(attempt(number)) for number in range(90)]
        await until(lambda: len(inside) == TURNS)
        await succeed(attempts, "198.51.100.1")
        go_on.set()
        outcomes = await asyncio.gather(*flood, return_exceptions=True)
        assert len(inside) < MOST_OF_ADDRESS + TURNS
        assert {type(outcome) for outcome in outcomes} == {Unauthenticated, ResourceExhausted}


class TestAccount:
    async def exhaust(self, attempts: Attempts, email: str = "a@b.example") -> None:
        for number in range(MOST_OF_ACCOUNT):
            await fail(attempts, f"198.51.100.{number}", email)

    async def test_after_so_many_failures_from_anywhere_an_account_must_wait(
        self, attempts: Attempts, clock: Clock
    ) -> None:
        await self.exhaust(attempts)
        with pytest.raises(ResourceExhausted, match=f"try again in {ACCOUNT_SECONDS:.0f} s"):
            await succeed(attempts, "192.0.2.1")
        await succeed(attempts, "192.0.2.1", "other@b.example")
        clock.now += ACCOUNT_SECONDS
        await succeed(attempts, "192.0.2.1")

    async def test_where_an_account_has_signed_in_before_the_failures_of_others_do_not_count(
        self, attempts: Attempts
    ) -> None:
        await succeed(attempts, "192.0.2.1")
        await self.exhaust(attempts)
        await succeed(attempts, "192.0.2.1")


class TestMemory:
    def test_only_so_much_is_kept(self, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("control.accounts.attempts.MOST_KEPT", 3)
        failures = Rate(1, 60, clock)
        for key in "abcd":
            failures.note(key)
        assert [failures.pause(key) > 0 for key in "abcd"] == [False, True, True, True]

    @pytest.mark.parametrize(
        ("address", "client"),
        [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
            ("unix", "unix"),
        ],
    )
    def test_one_client_may_have_many_addresses(self, address: str, client: str) -> None:
        assert network(address) == client


class TestSignIn:
    async def fail(self, house: House, address: str, times: int, email: str = "admin@matinee.local") -> list[str]:
        """The sentences with which wrong passwords are refused."""
        sentences = []
        for _ in range(times):
            with pytest.raises(CallError) as refused:
                await house.sign_in(address, email=email, password="wrong")
            sentences.append(f"{refused.value.code().name} {refused.value.details()}")
        return sentences

    async def test_a_flood_from_one_address_does_not_hold_up_another(self, house: House) -> None:
        await self.fail(house, "192.0.2.66", MOST_OF_ADDRESS)
        async with refusal("RESOURCE_EXHAUSTED", "too many attempts to sign in have failed; try again in"):
            await house.sign_in("192.0.2.66")
        assert (await house.sign_in("192.0.2.1")).access_token
        house.clock.turn(ADDRESS_SECONDS)
        assert (await house.sign_in("192.0.2.66")).access_token

    async def test_a_client_is_told_when_to_come_again(self, house: House) -> None:
        await self.fail(house, "192.0.2.66", MOST_OF_ADDRESS)
        with pytest.raises(CallError) as refused:
            await house.sign_in("192.0.2.66")
        status = Status.FromString(dict(refused.value.trailing_metadata())["grpc-status-details-bin"])
        told = RetryInfo()
        assert status.details[0].Unpack(told)
        assert (status.code, status.message) == (8, refused.value.details())
        assert f"try again in {math.ceil(told.retry_delay.ToMilliseconds() / 1_000)} s" in status.message
        assert from_call_error(refused.value).retry_seconds == pytest.approx(ADDRESS_SECONDS, abs=10)

    async def test_no_argon2_is_spent_on_what_is_refused(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        await self.fail(house, "192.0.2.66", MOST_OF_ADDRESS)
        monkeypatch.delattr(Passwords, "matches")
        async with refusal("RESOURCE_EXHAUSTED"):
            await house.sign_in("192.0.2.66")

    async def test_an_account_that_does_not_exist_is_answered_alike(self, house: House) -> None:
        known = await self.fail(house, "192.0.2.66", MOST_OF_ADDRESS + 1)
        unknown = await self.fail(house, "192.0.2.77", MOST_OF_ADDRESS + 1, email="nobody@matinee.local")
        assert known == unknown

    @pytest.mark.parametrize("service", [(), ((SERVICE_TOKEN_KEY, "forged"),)])
    async def test_an_address_is_believed_of_the_house_alone(self, house: House, service: Metadata) -> None:
        for number in range(MOST_OF_ADDRESS):
            async with refusal("UNAUTHENTICATED"):
                await house.auth.Login(WRONG, metadata=(*service, (CLIENT_ADDRESS_KEY, f"192.0.2.{number}")))
        async with refusal("RESOURCE_EXHAUSTED"):
            await house.auth.Login(WRONG, metadata=(*service, (CLIENT_ADDRESS_KEY, "192.0.2.200")))
