"""Two controls on one database at once: what either has read must still hold when it has written."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.exc import IntegrityError

from control.accounts.identity import IdentityService
from control.accounts.keyring import Keyring
from control.accounts.provider import Person
from control.accounts.sessions import GRACE_SECONDS, Sessions
from control.accounts.shut_out import shut_out
from control.analytics.plays import STATISTICS
from control.database import Database, accounts, history, identities, playback_sessions, plays, signing_keys
from control.database import sessions as session_rows
from control.database.accounts import Account
from control.database.engine import open_database
from control.events.relay import Relay
from control.playback.access import CLOSED
from matinee.bus import Event
from matinee.errors import Unauthenticated
from matinee.rpc.call_errors import CallError
from matinee.settings import TokenSettings
from protos.v1.auth_pb2 import (
    ROLE_ADMIN,
    ROLE_VIEWER,
    CreateAccountRequest,
    LogoutRequest,
    RefreshRequest,
    UpdateAccountRequest,
)
from protos.v1.catalogue_pb2 import DeleteTitleRequest, GetTitleRequest, UpdateTitleRequest
from protos.v1.events_pb2 import MoviePaused, MoviePlayed
from protos.v1.identity_pb2 import BeginSignInRequest, CompleteSignInRequest
from protos.v1.playback_pb2 import ReportPlaybackRequest
from protos.v1.subscriptions_pb2 import ListPlansRequest, RetirePlanRequest
from tests.control_house import House, TurnedClock, bearer, claims_of, running_control
from tests.edge_desk import running
from tests.edges import listening, revoked
from tests.events import played, record, waiting
from tests.offers import make_plan, subscribe
from tests.patience import until
from tests.viewing import HISTORY, NOON, numbered, opened, paused
from tests.viewing import played as played_by

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


@pytest.mark.parametrize("linked", [False, True])
async def test_who_is_disabled_while_they_come_from_a_provider_stays_out(
    both: tuple[Database, Database], linked: bool
) -> None:
    clock, known, nobody = TurnedClock(), cast("Any", Known()), cast("Any", None)
    sessions = await opened_sessions(both[0], clock)
    ada = Account("a" * 26, "ada@example.org", "", "viewer", clock())
    disabling: list[asyncio.Task[None]] = []

    async def disable() -> None:
        async with both[1].write() as connection:
            found = await accounts.find(connection, ada.account_id, lock=True)
            await accounts.save(connection, replace(cast("Account", found), disabled=True))
            await shut_out(connection, ada.account_id, "disabled", clock)

    async def open_late(*given: Any) -> Any:
        disabling.append(asyncio.create_task(disable()))
        await asyncio.wait(disabling, timeout=0.5)
        return await sessions.open(*given)

    async with both[0].write() as connection:
        await accounts.add(connection, ada)
        if linked:
            await identities.link(connection, Known.settings.issuer, "ada", ada.account_id, clock())
    late = cast("Any", SimpleNamespace(open=open_late))
    service = IdentityService(database=both[0], sessions=late, providers=[known], clock=clock, makes_accounts=True)
    begun = await service.BeginSignIn(BeginSignInRequest(provider="known"), nobody)
    await outcomes([service.CompleteSignIn(CompleteSignInRequest(state=begun.state, code="code"), nobody)])
    await asyncio.gather(*disabling)
    async with both[0].read() as connection:
        assert await session_rows.page(connection, "", 1, ada.account_id) == []


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


@pytest.mark.parametrize("signs_out_first", [False, True])
async def test_who_signs_out_while_playback_begins_does_not_play_on(
    houses: tuple[House, House], signs_out_first: bool
) -> None:
    house, title_id = houses[0], await houses[0].film()
    signed_in = await house.sign_in()
    account_id = claims_of(bearer(signed_in.access_token))["sub"]
    calls: list[Callable[[], Awaitable[Any]]] = [
        lambda: house.play(title_id, bearer(signed_in.access_token)),
        lambda: house.auth.Logout(LogoutRequest(refresh_token=signed_in.refresh_token)),
    ]
    async with house.written() as connection:
        await accounts.find(connection, account_id, lock=True)
        begun: list[asyncio.Future[Any]] = []
        for call in reversed(calls) if signs_out_first else calls:
            begun.append(asyncio.ensure_future(call()))
            await asyncio.wait(begun, timeout=0.3)
    await outcomes(begun)
    async with house.written() as connection:
        assert await playback_sessions.of_account(connection, account_id) == []


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


async def test_the_end_of_a_window_is_told_once_whichever_control_looks_first(houses: tuple[House, House]) -> None:
    one, two = houses
    viewer, title_id = await one.person("viewer"), await one.film()
    session_id = (await one.play(title_id, viewer)).session_id
    report = ReportPlaybackRequest(session_id=session_id, position_seconds=1)
    await two.playback.ReportPlayback(report, metadata=viewer)
    now = Timestamp(seconds=int(one.clock()))
    request = UpdateTitleRequest(title_id=title_id, available_until=now)
    async with listening(one) as first, listening(two) as second:
        await two.catalogue.UpdateTitle(request, metadata=await two.admin())
        assert [await revoked(edge) for edge in (first, second)] == [[(session_id, CLOSED)]] * 2
    assert [event.session_id for event in await one.events(MoviePaused)] == [session_id]


async def test_no_title_needs_a_plan_that_is_withdrawn_meanwhile(houses: tuple[House, House]) -> None:
    one, two = houses
    title_id, admin = await one.film(), await one.admin()
    for number in range(8):
        plan_id = f"plan-{number}"
        await make_plan(one, plan_id)
        need = two.catalogue.UpdateTitle(UpdateTitleRequest(title_id=title_id, plan_id=plan_id), metadata=admin)
        await outcomes([one.subscriptions.RetirePlan(RetirePlanRequest(plan_id=plan_id), metadata=admin), need])
        title = (await two.catalogue.GetTitle(GetTitleRequest(title_id=title_id), metadata=admin)).title
        answer = await one.subscriptions.ListPlans(ListPlansRequest(retired=True), metadata=admin)
        assert not title.plan_id or title.plan_id in {plan.plan_id for plan in answer.plans}


async def test_controls_that_take_the_first_two_events_of_a_play_at_once_lose_neither(
    both: tuple[Database, Database],
) -> None:
    """One has the partition of the topic `movie-played`, the other that of `movie-paused`."""
    cinema = await opened(both[0])
    (person, film), session = (cinema.accounts[0], cinema.titles[0]), numbered("s", 0)

    async def take(database: Database, event: MoviePlayed | MoviePaused) -> None:
        async with database.write() as connection:
            await STATISTICS.act(connection, [event])
            await HISTORY.act(connection, [event])

    async with both[0].write() as connection:
        begin = played_by(person, film, NOON)
        await STATISTICS.act(connection, [begin])
        await HISTORY.act(connection, [begin])
        second = asyncio.create_task(take(both[1], paused(person, film, NOON + 60, 60)))
        await asyncio.wait([second], timeout=1)
    with suppress(IntegrityError):  # after which the runner takes it again
        await second
    if second.exception():
        await take(both[1], paused(person, film, NOON + 60, 60))
    async with both[0].write() as connection:
        play = (await plays.among(connection, [session]))[session]
        entry = await history.find(connection, person, film)
    assert (play.started, play.watched_ms) == (True, 60_000)
    assert entry
    assert (entry.position_seconds, entry.watched_seconds) == (60, 60)
