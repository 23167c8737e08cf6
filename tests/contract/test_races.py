"""Two controls on one database at once: what either has read must still hold when it has written."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import AsyncExitStack
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from control.accounts.identity import IdentityService
from control.accounts.keyring import Keyring
from control.accounts.provider import Person
from control.accounts.sessions import GRACE_SECONDS, Sessions
from control.database import Database, accounts, signing_keys
from control.database.engine import open_database
from control.events.relay import Relay
from matinee.bus import Event
from matinee.errors import Unauthenticated
from matinee.rpc import CallError
from matinee.settings import TokenSettings
from protos.v1.auth_pb2 import (
    ROLE_ADMIN,
    ROLE_VIEWER,
    CreateAccountRequest,
    LogoutRequest,
    RefreshRequest,
    UpdateAccountRequest,
)
from protos.v1.catalogue_pb2 import DeleteTitleRequest
from protos.v1.identity_pb2 import BeginSignInRequest, CompleteSignInRequest
from tests.control_house import House, TurnedClock, bearer, claims_of, running_control
from tests.edge_desk import running
from tests.events import played, record, waiting
from tests.offers import make_plan, subscribe
from tests.patience import until

pytestmark = pytest.mark.anyio

DAY = 86_400.0


@pytest.fixture
async def both(database_url: str, anyio_backend: str) -> AsyncIterator[tuple[Database, Database]]:
    """One database, as two controls have it."""
    first, second = await open_database(database_url), await open_database(database_url)
    yield first, second
    await first.close()
    await second.close()


@pytest.fixture
async def houses(tmp_path: Path, database_url: str, anyio_backend: str) -> AsyncIterator[tuple[House, House]]:
    """Two whole controls on one database."""
    async with AsyncExitStack() as stack:
        one, two = [
            await stack.enter_async_context(running_control(tmp_path, database={"url": database_url})) for _ in range(2)
        ]
        yield one, two


async def outcomes(calls: Iterable[Awaitable[Any]]) -> Counter[str]:
    """How often calls at the same time were answered OK, and with each status else."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    return Counter(answer.code().name if isinstance(answer, CallError) else _unless(answer) for answer in answers)


def _unless(answer: Any) -> str:
    if isinstance(answer, BaseException):
        raise answer
    return "OK"


async def test_one_admin_is_made_at_the_first_start(tmp_path: Path, database_url: str) -> None:
    async def start(name: str) -> None:
        async with running_control(tmp_path / name, database={"url": database_url}):
            pass

    await asyncio.gather(start("a"), start("b"))
    database = await open_database(database_url)
    async with database.read() as connection:
        assert len(await accounts.active_admins(connection)) == 1
    await database.close()


async def test_one_first_signing_key_is_made_and_one_next(both: tuple[Database, Database]) -> None:
    clock = TurnedClock()
    keyrings = [Keyring(database, clock, token_seconds=60, key_seconds=DAY) for database in both]
    await asyncio.gather(*[keyring.open() for keyring in keyrings])
    clock.turn(DAY)
    await asyncio.gather(*[keyring.renew() for keyring in keyrings])
    async with both[0].read() as connection:
        assert len(await signing_keys.every(connection)) == 2


class Known:
    """A provider that knows one person, whoever comes."""

    settings = SimpleNamespace(provider="known", issuer="https://known.example", display_name="Known")

    async def authorization_url(self, *_: str) -> str:
        return "https://known.example/"

    async def person(self, *_: object) -> Person:
        return Person("ada", "ada@example.org")


async def test_a_person_who_comes_twice_at_once_gets_one_account(both: tuple[Database, Database]) -> None:
    clock, known, nobody = TurnedClock(), cast("Any", Known()), cast("Any", None)
    sessions = await opened_sessions(both[0], clock)

    async def come(database: Database) -> str:
        service = IdentityService(
            database=database, sessions=sessions, providers=[known], clock=clock, makes_accounts=True
        )
        begun = await service.BeginSignIn(BeginSignInRequest(provider="known"), nobody)
        answer = await service.CompleteSignIn(CompleteSignInRequest(state=begun.state, code="code"), nobody)
        return str(claims_of(bearer(answer.access_token))["sub"])

    assert len(set(await asyncio.gather(*[come(database) for database in both * 4]))) == 1


async def opened_sessions(database: Database, clock: TurnedClock) -> Sessions:
    keyring = Keyring(database, clock, token_seconds=60, key_seconds=DAY)
    await keyring.open()
    return Sessions(keyring, TokenSettings(), clock)


async def test_a_session_that_is_renewed_twice_at_once_does_not_fork_and_reuse_ends_it_once(
    both: tuple[Database, Database],
) -> None:
    clock = TurnedClock()
    sessions = await opened_sessions(both[0], clock)
    account = accounts.Account("a" * 26, "a@b.example", "", "viewer", 0)
    async with both[0].write() as connection:
        await accounts.add(connection, account)
        first = await sessions.open(connection, account)

    async def renew(database: Database) -> str:
        try:
            async with database.write() as connection:
                tokens = await sessions.renew(connection, first.refresh_token)
        except Unauthenticated:
            return "ended"
        return tokens.refresh_token if tokens else "reused"

    assert len(set(await asyncio.gather(*[renew(database) for database in both * 5]))) == 1
    clock.turn(GRACE_SECONDS)
    assert Counter(await asyncio.gather(*[renew(database) for database in both * 5])) == {"reused": 1, "ended": 9}


class Counting:
    """A bus that counts what comes onto it."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    async def publish(self, events: list[Event]) -> None:
        self.counts.update(event.event_id for event in events)
        await asyncio.sleep(0)


async def test_two_relays_send_each_event_once(both: tuple[Database, Database]) -> None:
    bus: Any = Counting()
    async with AsyncExitStack() as stack:
        for database in both:
            await stack.enter_async_context(running(database.hear_others(lambda: None)))
            await stack.enter_async_context(running(Relay(database, bus).run()))
        turns = zip(range(60), cycle(both), strict=False)
        await asyncio.gather(*[record(database, TurnedClock(), played(number)) for number, database in turns])
        await until(lambda: _all_sent(both[0]))
    assert Counter(bus.counts.values()) == {1: 60}


async def _all_sent(database: Database) -> bool:
    return not await waiting(database)


async def test_no_more_streams_start_than_the_plan_allows(houses: tuple[House, House]) -> None:
    one = houses[0]
    await make_plan(one, max_streams=2)
    viewer, title_id = await one.person("viewer"), await one.film()
    await subscribe(one, viewer)
    plays = [
        house.play(title_id, viewer, device_id=f"d{n}") for n, house in zip(range(20), cycle(houses), strict=False)
    ]
    assert await outcomes(plays) == {"OK": 2, "RESOURCE_EXHAUSTED": 18}


async def test_no_job_is_leased_twice(houses: tuple[House, House]) -> None:
    for number in range(12):
        await houses[0].upload(f"upload-{number}", f"Film {number}")
    leases = await asyncio.gather(*[house.lease(f"w{n}") for n, house in zip(range(12), cycle(houses), strict=False)])
    assert len({lease.job_id for lease in leases if lease}) == sum(lease is not None for lease in leases) == 12


async def test_a_title_may_be_deleted_while_it_is_published(houses: tuple[House, House]) -> None:
    one, two = houses
    admin = await one.admin()
    for letter in "abcde":
        await one.upload(f"upload-{letter}", "A film")
        lease = await one.leased()
        delete = two.catalogue.DeleteTitle(DeleteTitleRequest(title_id=lease.title_id, force=True), metadata=admin)
        ends = await outcomes([one.publish(lease, letter * 26), delete])
        assert ends in ({"OK": 2}, {"OK": 1, "NOT_FOUND": 1})


async def test_who_signs_out_while_a_session_is_renewed_has_signed_out(houses: tuple[House, House]) -> None:
    one, two = houses
    for number in range(5):
        token = (await one.sign_in(f"192.0.2.{number}")).refresh_token
        calls: list[Awaitable[Any]] = [
            one.auth.Refresh(RefreshRequest(refresh_token=token), metadata=one.service),
            two.auth.Logout(LogoutRequest(refresh_token=token), metadata=two.service),
        ]
        assert await outcomes(calls) in ({"OK": 2}, {"OK": 1, "UNAUTHENTICATED": 1})
        with pytest.raises(CallError):
            await one.auth.Refresh(RefreshRequest(refresh_token=token), metadata=one.service)


async def test_two_admins_cannot_both_step_down(houses: tuple[House, House]) -> None:
    admins = [await houses[0].admin()]
    second = CreateAccountRequest(email="second@example.org", password="a good password", role=ROLE_ADMIN)
    await houses[0].auth.CreateAccount(second, metadata=admins[0])
    signed_in = await houses[1].sign_in(email=second.email, password=second.password)
    admins.append(bearer(signed_in.access_token))
    steps: list[Awaitable[Any]] = [
        house.auth.UpdateAccount(
            UpdateAccountRequest(account_id=claims_of(admin)["sub"], role=ROLE_VIEWER), metadata=admin
        )
        for house, admin in zip(houses, admins, strict=True)
    ]
    assert (await outcomes(steps))["OK"] == 1
