"""What every test starts from."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

# PostgreSQL is started as another user, which takes a real fork: gRPC's own handlers of that crash the child.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
# What a shell runs in the background ignores Ctrl-C, and under nohup a closed terminal: so would all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from blockbuster import BlockBuster
from hypothesis import HealthCheck, settings

# What tests share says why it fails, as they do themselves: pytest does so for files of tests alone.
pytest.register_assert_rewrite(*(f"tests.{file.stem}" for file in Path(__file__).parent.glob("*.py")))

from tests import hangs
from tests.databases import database, database_url, empty_database_url, house_database_url, migrated, server
from tests.machine import absent, demanded, require
from tests.services.kafka import Broker, kafka
from tests.services.s3 import S3, s3
from tests.stack import Stack, running_stack

__all__ = ["database", "database_url", "empty_database_url", "house_database_url", "migrated", "server"]

# How long an example takes is a matter of what else the machine does; the timeout of the test is its limit.
settings.register_profile("unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

MAY_BLOCK = [
    # Before a service serves, and after that, nobody waits for its loop.
    ("control/server.py", {"serve"}),
    ("control/accounts/first_start.py", {"create_admin"}),
    ("matinee/certificates.py", {"_read"}),
    ("control/database/engine.py", {"open_database"}),
    ("control/database/migration.py", {"upgrade"}),
    # A new connection looks for the files of passwords and certificates.
    ("asyncpg/connect_utils.py", {"_parse_connect_arguments"}),
    ("matinee/log_file.py", {"open_log_file"}),
    ("edge/server.py", {"serve", "make_door"}),
    ("edge/bindings.py", {"bindings"}),
    ("edge/web.py", {"__init__"}),
    ("matinee/settings/__init__.py", {"settings_customise_sources"}),
    ("matinee/storage/opening.py", {"open_store"}),
    ("ingest/scratch.py", {"claim", "orphans"}),
    ("ingest/worker.py", {"_leases"}),
    # The time of a file that SQLite has just written is in memory.
    ("matinee/write_ahead_log.py", {"_state"}),
    # A module is read once, whichever test is the first to need it.
    ("<frozen importlib._bootstrap>", {"_find_and_load"}),
    # What the system tells of a process is in memory.
    ("matinee/telemetry/admin.py", {"metrics"}),
    # The loop of a command has nobody else in it; gRPC joins a thread when its last channel goes.
    ("matinee/cli/doctor.py", {"examine"}),
    # Nor has that of the supervisor.
    ("matinee/instance.py", {"announce", "withdraw"}),
    # Nor has that of a test that puts a film into a house.
    ("tests/playhouse.py", {"publish"}),
    # The log of a failure quotes our source, which Python reads once.
    ("control/guard.py", {"_answering"}),
    ("control/events/runner.py", {"_bury"}),
    ("control/analytics/training.py", {"_failure"}),
    ("edge/guard.py", {"_refuse"}),
    ("ingest/attempt.py", {"_give_back"}),
]
"""Where our code may block an event loop: ends of file names, and functions."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
async def one_event_loop(anyio_backend: str) -> AsyncIterator[None]:
    """Keeps one loop for the whole run: gRPC tells a loop late of what ended, and fails when that loop is closed."""
    hangs.loops.append(asyncio.get_running_loop())
    yield  # noqa: PT022 - only a generator holds the loop until the end


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """An event loop in a thread, for services that a blocking test talks to; one for the whole run, as above."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No MATINEE_* setting of the person who runs the tests reaches them."""
    for name in [name for name in os.environ if name.startswith("MATINEE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def blocking_calls() -> Iterator[None]:
    """A call of ours that blocks an event loop, and so whatever else goes on in it, raises `BlockingError`."""
    blockbuster = BlockBuster(["edge", "control", "ingest", "matinee"])
    for name, function in list(blockbuster.functions.items()):
        function.can_block_functions.extend(MAY_BLOCK)
        if "Lock" in name:
            del blockbuster.functions[name]  # whether one is free is a matter of the moment, deep in gRPC too
    blockbuster.activate()
    yield
    blockbuster.deactivate()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One instance for all tests that only use it."""
    with running_stack(tmp_path_factory.mktemp("stack") / "data") as running:
        yield running


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker of Kafka for all tests that only use it, each with a prefix of its own."""
    require("Apache Kafka")
    with kafka(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], S3]]:
    """Starts an S3 server by its name, once for the whole run."""
    require("SeaweedFS")
    with ExitStack() as stack:
        yield cache(lambda server: stack.enter_context(s3(tmp_path_factory.mktemp(server), server)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, reason in absent().items():
        terminalreporter.write_line(f"not tested with {name}, which this machine has not: {reason}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--forbid-skips", action="store_true", help="Fail when a test is skipped: nothing may be missing.")


def pytest_sessionstart(session: pytest.Session) -> None:
    if session.config.getoption("--forbid-skips") and (missing := demanded()):
        told = "; ".join(f"{name}, since {reason}" for name, reason in missing.items())
        pytest.exit(f"nothing may be missing, and this machine has no {told}", returncode=1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with hangs.told(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and item.config.getoption("--forbid-skips"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and skipping is forbidden: {report.longrepr}"
    return report
