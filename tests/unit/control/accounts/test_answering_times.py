"""How long control takes to answer tells nobody whether there is an account."""

import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from control.database import accounts
from control.identifiers import new_id
from protos.v1.auth_pb2 import LoginRequest
from tests.control_house import House, refusal, running_control
from tests.members import ask_reset, register

pytestmark = pytest.mark.anyio

Call = Callable[[House, str, str], Awaitable[object]]


async def wrong_login(house: House, email: str, address: str) -> None:
    async with refusal("UNAUTHENTICATED"):
        await house.auth.Login(LoginRequest(email=email, password="wrong"), metadata=house.client_at(address))


async def slower_if_known(house: House, hasher: PasswordHasher, call: Call, attempt: int) -> float:
    """How many times as long an answer takes if there is an account, in the middle of 16 pairs of calls."""
    emails = {kind: [f"{kind}-{attempt}-{number}@example.org" for number in range(4)] for kind in ("known", "unknown")}
    async with house.written() as connection:
        for email in emails["known"]:
            account = accounts.Account(new_id(house.clock), email, hasher.hash("x"), "viewer", 1)
            await accounts.add(connection, account)
    took: dict[str, list[float]] = {kind: [] for kind in emails}
    for turn in range(16):
        for kind in sorted(emails, reverse=turn % 3 == 0):  # letters of those before leave beside them
            before = time.perf_counter()
            await call(house, emails[kind][turn % 4], f"2001:db8:{attempt}{turn:02}::1")
            took[kind].append(time.perf_counter() - before)
    return statistics.median(took["known"]) / statistics.median(took["unknown"])


@pytest.mark.parametrize("call", [register, ask_reset, wrong_login])
async def test_the_time_of_an_answer_does_not_tell_whether_there_is_an_account(tmp_path: Path, call: Call) -> None:
    hasher = PasswordHasher(time_cost=2, memory_cost=16 * 1024, parallelism=1)
    async with running_control(tmp_path, hasher=hasher) as house:
        found: list[float] = []
        while not found or not 0.6 < found[-1] < 1.67:
            assert len(found) < 4, found  # a busy machine shows a difference now and then, a fault each time
            found.append(await slower_if_known(house, hasher, call, len(found)))
