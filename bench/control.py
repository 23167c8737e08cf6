"""What one control process answers on SQLite: `python -m bench.control`.

Control runs as an operator runs it, in a process of its own on a unix socket; 16 callers ask at the same time. Each
start is a whole Play: entitlement, device, streams and a new session in one transaction, and two signed URLs. Each
sign-in pays the full price of argon2id.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher

from bench.table import show
from control.database import accounts
from control.database.accounts import Account
from control.database.engine import open_database
from control.identifiers import new_id
from matinee.rpc.channel import open_channel
from matinee.rpc.metadata import AUTHORIZATION_KEY, service_metadata
from protos.v1.auth_pb2 import LoginRequest, VerifyTokenRequest
from protos.v1.auth_pb2_grpc import AuthServiceStub
from protos.v1.playback_pb2 import PlayRequest
from protos.v1.playback_pb2_grpc import PlaybackServiceStub
from tests.playhouse import Playhouse, opened

CALLERS = 16
SECONDS = 5.0
VIEWERS = 64
PASSWORD = "a password of the benchmark"

Ask = Callable[[int], Awaitable[object]]


@dataclass(frozen=True)
class Rate:
    """Answers per second, and how long one took, in milliseconds: half of them less than `median`, 99 of 100 `p99`."""

    per_second: float
    median: float
    p99: float


async def measure(ask: Ask) -> Rate:
    """Ask again and again from CALLERS callers at once, each with numbers of its own."""
    took: list[float] = []
    began = time.perf_counter()

    async def call(number: int) -> None:
        while time.perf_counter() - began < SECONDS:
            asked = time.perf_counter()
            await ask(number)
            took.append((time.perf_counter() - asked) * 1000)
            number += CALLERS

    await asyncio.gather(*(call(number) for number in range(CALLERS)))
    per_second = len(took) / (time.perf_counter() - began)
    return Rate(per_second, statistics.median(took), statistics.quantiles(took, n=100)[98])


async def make_viewers(house: Playhouse) -> list[str]:
    """E-mail addresses of new accounts, written to the database."""
    hashed, database = PasswordHasher().hash(PASSWORD), await open_database(house.settings.database_url)
    emails = [f"viewer{number}@matinee.local" for number in range(VIEWERS)]
    async with database.write() as connection:
        for email in emails:
            await accounts.add(connection, Account(new_id(time.time), email, hashed, "viewer", time.time()))
    await database.close()
    return emails


async def compare(house: Playhouse) -> dict[str, Rate]:
    """The rates of what control is asked most."""
    emails, service = await make_viewers(house), service_metadata(house.settings.service_token_file.read_text())
    async with open_channel(house.settings.control_address) as channel:
        auth, playback = AuthServiceStub(channel), PlaybackServiceStub(channel)

        async def sign_in(number: int) -> str:
            request = LoginRequest(email=emails[number % VIEWERS], password=PASSWORD)
            return (await auth.Login(request, metadata=service)).access_token

        tokens = [await sign_in(number) for number in range(VIEWERS)]
        bearers = [((AUTHORIZATION_KEY, f"Bearer {token}"),) for token in tokens]

        def start(number: int) -> Awaitable[object]:
            request = PlayRequest(title_id=house.title_id, device="bench", device_id="bench")
            return playback.Play(request, metadata=bearers[number % VIEWERS])

        def verify(number: int) -> Awaitable[object]:
            return auth.VerifyToken(VerifyTokenRequest(access_token=tokens[number % VIEWERS]), metadata=service)

        contenders: dict[str, Ask] = {"start (Play)": start, "VerifyToken": verify, "sign-in (Login)": sign_in}
        return {name: await measure(ask) for name, ask in contenders.items()}


async def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        async with opened(Path(folder)) as house:
            rates = await compare(house)
    rows = [(name, f"{rate.per_second:,.0f}", f"{rate.median:.1f}", f"{rate.p99:.1f}") for name, rate in rates.items()]
    show("One control process on SQLite", ("", "per second", "median, ms", "p99, ms"), rows)


if __name__ == "__main__":
    asyncio.run(main())
