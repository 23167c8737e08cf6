"""`matinee doctor`: what is configured, reachable and of which version; what is wrong and how to mend it."""

import asyncio
import json
import os
import platform
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import distribution, packages_distributions
from urllib.parse import unquote

import httpx
import typer
from rich.markup import escape

import matinee
from ingest import scratch
from ingest.ffmpeg import SAFE_RELEASE, Ffmpeg
from ingest.isolation import is_offline
from matinee import certificates, handshake, instance
from matinee.certificates import Certificates
from matinee.cli.api import refusal
from matinee.cli.credential import open_api
from matinee.cli.jobs import told
from matinee.cli.options import Data, Json, settings_with
from matinee.cli.tables import Column, console, show, table
from matinee.errors import InvalidInput, MatineeError, Unavailable
from matinee.executor import is_cluster
from matinee.rpc.channel import is_serving, open_channel
from matinee.settings import Settings
from matinee.storage.failures import reason
from matinee.storage.opening import open_store

START = "start it with `matinee up`"
ELSEWHERE = "none on this machine, as it may be in a house of many"
DOOR_SECONDS = 5.0
BUS_SECONDS = 10.0
OUR_NAMES = ("matinee", "packager", "ingest", "edge", "control", "protos")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `mend` says what to do when it is not well."""

    name: str
    well: bool
    state: str
    mend: str = ""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(doctor)


def doctor(data: Data = None, as_json: Json = False) -> None:
    """Say what is configured and reachable, what is wrong (exit status 1), and how to mend it."""
    settings = settings_with(data)
    findings = list(examine(settings))
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        marks = {True: "[green]well[/]", False: "[red]wrong[/]"}
        rows = [
            (marks[f.well], f.name, escape(f"{f.state}\nto mend it: {f.mend}" if f.mend else f.state)) for f in findings
        ]
        screen = console()
        show(screen, table((Column(""), Column("WHAT"), Column("STATE", prose=True)), rows, screen))
    if not all(finding.well for finding in findings):
        raise typer.Exit(1)


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything, in the order in which it would have to be mended."""
    yield Finding("matinee", True, f"{matinee.__version__}, Python {platform.python_version()}")
    yield from foreign_claims(OUR_NAMES)
    yield _ffmpeg(settings)
    yield _probe()
    yield _isolation()
    yield _looked_at("data directory", lambda: _directory(settings), f"{START}, or name another with --data")
    yield _looked_at(
        "scratch", lambda: _scratch(settings), "make room on its disk, or set worker.scratch to a larger one"
    )
    bucket = "check [store] in matinee.toml, or make the bucket with `matinee storage setup`"
    mend = bucket if settings.store_url.startswith("s3:") else f"{START}, or check store.url in matinee.toml"
    yield _looked_at("object store", lambda: _store(settings), mend)
    if settings.database.url.startswith("postgresql"):
        mend = "start the server, or check [database] in matinee.toml"
        yield _looked_at("database", lambda: _database(settings), mend)
    if settings.events.url.startswith("kafka"):
        yield _looked_at(
            "event bus", lambda: _event_bus(settings), "start the brokers, or check [events] in matinee.toml"
        )
    yield _refused_events(settings)
    if is_cluster(settings.worker.executor):
        mend = "start the scheduler, and workers with `matinee dask-worker`, all of the same versions (docs/cluster.md)"
        yield _looked_at("cluster", lambda: _cluster(settings), mend)
    yield _looked_at("public door", lambda: _door(settings), START)
    if settings.control.address:
        yield _looked_at("secret", lambda: _secret(settings), "give every machine the same: see docs/many-machines.md")
    if settings.control.certificate_file:
        mend = "issue it anew: see docs/many-machines.md"
        yield _looked_at("certificate", lambda: certificates.describe(settings.control), mend)
    for address in settings.control_address.split(","):
        yield _looked_at("control", partial(_control, settings, address), f"{START} or `matinee control`")
    yield _jobs(settings)


def foreign_claims(names: Iterable[str]) -> Iterator[Finding]:
    """Whether our top-level names are claimed by other distributions too: `edge` and `control` exist on PyPI."""
    claimed = packages_distributions()  # which reads what every distribution has installed
    for name in names:
        yield _claim(name, sorted(set(claimed.get(name, [])) - {"matinee"}))


def _claim(name: str, others: list[str]) -> Finding:
    if not others:
        return Finding(f"package {name}", True, "ours alone")
    versions = ", ".join(f"{other} {distribution(other).version}" for other in others)
    return Finding(f"package {name}", False, f"claimed by {versions} too", f"pip uninstall {' '.join(others)}")


def _ffmpeg(settings: Settings) -> Finding:
    def version() -> str:
        ffmpeg = Ffmpeg.from_settings(settings.worker)
        return f"{ffmpeg.version()}, {ffmpeg.program}"

    return _looked_at("ffmpeg", version, f"set worker.ffmpeg to an FFmpeg of version {SAFE_RELEASE} or later")


def _probe() -> Finding:
    from ingest.probe import libraries  # takes longer to import than most commands take

    return Finding("probe", True, f"{libraries()}, in a process on a leash")


def _isolation() -> Finding:
    state = (
        "is kept from the network" if is_offline() else "is not kept from the network: this system does not allow it"
    )
    return Finding("isolation", True, f"ffmpeg {state}")


def _looked_at(name: str, look: Callable[[], str], mend: str) -> Finding:
    try:
        return Finding(name, True, look())
    except MatineeError as error:
        return Finding(name, False, str(error), mend)


def _directory(settings: Settings) -> str:
    folder = settings.data
    if not os.access(folder, os.F_OK):
        if settings.control.address:
            return ELSEWHERE
        raise InvalidInput(f"{folder.absolute()} is not there")
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise InvalidInput(f"{folder.absolute()} is no folder that can be written")
    return str(folder.absolute())


def _store(settings: Settings) -> str:
    try:
        asyncio.run(open_store(settings.store_url, settings.store, create=False).check())
    except Unavailable as error:
        raise Unavailable(f"{settings.store_url}: {reason(error.__cause__ or error)}") from error
    return settings.store_url


def _scratch(settings: Settings) -> str:
    folder = settings.scratch_directory
    if not os.access(folder, os.W_OK | os.X_OK):
        return "none on this machine"
    scratch.check_room(folder)
    return f"{folder}, {shutil.disk_usage(folder).free / 1e6:,.0f} MB free"


def _jobs(settings: Settings) -> Finding:
    """Whether jobs wait for what somebody has to mend."""
    try:
        with open_api(settings) as api:
            waiting = sorted(api.pages("/jobs", "jobs", waiting=True), key=lambda job: str(job["waits_since"]))
    except MatineeError as error:
        return Finding("jobs", True, f"not asked: {error}")
    if not waiting:
        return Finding("jobs", True, "none waits for a store or a disk")
    state = f"{len(waiting)} waiting, and longest {waiting[0]['title_name']}: {told(waiting[0], time.time())}"
    return Finding("jobs", False, state, "mend that, and they go on by themselves; `matinee jobs` shows all")


def _database(settings: Settings) -> str:
    from control.database.engine import describe

    return asyncio.run(describe(settings.database.url, settings.database))


def _refused_events(settings: Settings) -> Finding:
    """Whether there are events that the bus will not take."""
    from control.database import outbox
    from control.database.engine import looked_at

    async def refused() -> Mapping[str, tuple[int, str]]:
        async with looked_at(settings.database_url, settings.database) as database, database.read() as connection:
            return await outbox.refused(connection)

    try:
        found = asyncio.run(refused()) if _has_database(settings) else {}
    except MatineeError as error:
        return Finding("events", True, f"not asked: {error}")
    if not found:
        return Finding("events", True, "none is refused by the event bus")
    state = "; ".join(f"{count} of {topic} refused by the event bus: {why}" for topic, (count, why) in found.items())
    return Finding("events", False, state, "let the brokers take them, then start control again: see docs/events.md")


def _has_database(settings: Settings) -> bool:
    """Whether there is one to look at from here: looking would make a file of SQLite."""
    path = unquote(settings.database_url.partition(":///")[2])
    return not settings.database_url.startswith("sqlite") or os.access(path, os.R_OK)


def _event_bus(settings: Settings) -> str:
    from matinee.kafka_bus.bus import open_kafka_bus

    async def described() -> str:
        async with asyncio.timeout(BUS_SECONDS), open_kafka_bus(settings.events) as bus:
            return await bus.describe()

    try:
        return f"{settings.events.url}, {asyncio.run(described())}"
    except TimeoutError as error:
        raise Unavailable(f"{settings.events.url} does not answer") from error


def _cluster(settings: Settings) -> str:
    from matinee.cluster.description import describe

    return describe(settings)


def _door(settings: Settings) -> str:
    try:
        url, announced = instance.door(settings), True
    except Unavailable:
        if not settings.control.address:
            raise
        url, announced = settings.local_url, False
    try:
        answer = httpx.get(f"{url}/readyz", timeout=DOOR_SECONDS, trust_env=False)
    except httpx.TransportError as error:
        if announced:
            raise Unavailable(f"{url} does not answer: {error}") from error
        return ELSEWHERE
    if answer.status_code != httpx.codes.OK:
        raise refusal(answer)
    return url


def _secret(settings: Settings) -> str:
    instance.service_token(settings)
    return str(settings.service_token_file)


def _control(settings: Settings, address: str) -> str:
    """Which controls serve at an address, of which a name may have several."""
    own = certificates.of_caller(settings.control, settings.control_address)
    host, found = _located(address)
    serving = asyncio.run(_serving(found, own, settings.control.server_name or host))
    state = ", ".join(f"{one} {'serves' if serves else 'does not answer'}" for one, serves in serving.items())
    if not any(serving.values()):
        raise Unavailable(handshake.fault(settings.control, address) or state)
    return state


def _located(address: str) -> tuple[str, list[str]]:
    """The host in an address, and the address with each IP address of that host; as it is where there is none."""
    if address.startswith("unix:"):
        return "", [address]
    name, _, port = address.removeprefix("dns:///").rpartition(":")
    host = name.strip("[]")
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)}
    except OSError:
        return host, [address]
    return host, [f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}" for ip in sorted(found)]


async def _serving(addresses: Iterable[str], own: Certificates | None, server_name: str) -> dict[str, bool]:
    serving = {}
    for address in addresses:
        async with open_channel(address, own, server_name) as channel:
            serving[address] = await is_serving(channel)
    return serving
