"""`matinee up`, and the services one by one."""

import asyncio
import signal
from collections.abc import Callable
from typing import Annotated

import typer

from ingest.ffmpeg import Ffmpeg
from matinee import instance, wiring
from matinee.cli.options import Data, Host, Port, settings_with
from matinee.settings import Settings
from matinee.supervisor import Supervisor
from matinee.telemetry.logs import configure_logging

Supervised = Annotated[bool, typer.Option(hidden=True, help="Stop when standard input closes.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(up)
    app.command()(control)
    app.command()(edge)
    app.command()(worker)
    app.command("dask-worker")(dask_worker)


def up(data: Data = None, host: Host = None, port: Port = None) -> None:
    """Run control, edge and worker on this machine until Ctrl-C."""
    settings = with_real_port(settings_with(data, host, port))
    Ffmpeg.from_settings(settings.worker).version()
    configure_logging("supervisor", settings.logs)

    def on_ready() -> None:
        print(f"Matinee is up: {settings.public_url}", flush=True)
        print(f"The administrator's login lies in {settings.data / 'admin.json'}", flush=True)

    asyncio.run(wiring.opened_store(settings))
    with instance.hold_directory(settings):
        instance.require_port(settings.http.host, settings.http.port)
        asyncio.run(_supervise(settings, on_ready))


def control(data: Data = None, supervised: Supervised = False) -> None:
    """Run the gRPC services alone, for many machines."""
    wiring.run("control", settings_with(data), supervised=supervised)


def edge(data: Data = None, host: Host = None, port: Port = None, supervised: Supervised = False) -> None:
    """Run the public door alone, for many machines."""
    wiring.run("edge", with_real_port(settings_with(data, host, port)), supervised=supervised)


def worker(data: Data = None, supervised: Supervised = False) -> None:
    """Run a transcode worker alone, for many machines."""
    settings = settings_with(data)
    Ffmpeg.from_settings(settings.worker).version()
    wiring.run("worker", settings, supervised=supervised)


def dask_worker(data: Data = None) -> None:
    """Run one worker of a Dask cluster, which encodes; one for each core (see docs/cluster.md)."""
    settings = settings_with(data)
    Ffmpeg.from_settings(settings.worker).version()
    wiring.run("dask-worker", settings)


def with_real_port(settings: Settings) -> Settings:
    """The settings with a free port in place of port 0, so that every service knows the door's address."""
    if settings.http.port:
        return settings
    http = settings.http.model_copy(update={"port": instance.free_port(settings.http.host)})
    return settings.model_copy(update={"http": http})


async def _supervise(settings: Settings, on_ready: Callable[[], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    supervisor = Supervisor(settings)

    def told_to_stop() -> None:
        if stop.is_set():
            supervisor.hurry()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told_to_stop)
    await supervisor.run(stop, on_ready)
