"""The real services on loopback until Ctrl-C, and the settings that use them: `python -m tests.services`."""

import json
import shlex
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from matinee.settings import HttpSettings
from tests.buckets import as_environment, new_bucket
from tests.openid_provider import SECRET, running_provider
from tests.services.dask import dask_cluster
from tests.services.kafka import kafka
from tests.services.postgresql import postgresql
from tests.services.s3 import s3

Environment = dict[str, str]
Service = Callable[[Path, Environment], AbstractContextManager[Environment]]
"""Keeps what it has in a folder; it is told the settings of those that were started before."""
CALLBACK = f"http://127.0.0.1:{HttpSettings().port}/sign-in/callback"
"""Where `matinee up` takes people back when it is told nothing else."""


@contextmanager
def event_bus(folder: Path, _: Environment) -> Iterator[Environment]:
    """A broker of Kafka."""
    with kafka(folder) as broker:
        yield {"MATINEE_EVENTS__URL": broker.url}


@contextmanager
def object_store(folder: Path, _: Environment) -> Iterator[Environment]:
    """SeaweedFS, with a bucket."""
    with s3(folder) as server:
        store = new_bucket(server).model_copy(update={"public_endpoint": server.endpoint})
        yield as_environment(store)


@contextmanager
def database(folder: Path, _: Environment) -> Iterator[Environment]:
    """A PostgreSQL server."""
    with postgresql(folder) as url:
        yield {"MATINEE_DATABASE__URL": url}


@contextmanager
def sign_in(_: Path, __: Environment) -> Iterator[Environment]:
    """An OpenID provider, where whoever types an address is its owner."""
    with running_provider(CALLBACK) as (issuer, _process):
        told = {"provider": "local", "display_name": "The local provider", "issuer": issuer}
        yield {"MATINEE_OIDC__PROVIDERS": json.dumps([told | {"client_id": "matinee", "client_secret": SECRET}])}


@contextmanager
def executor(folder: Path, environment: Environment) -> Iterator[Environment]:
    """A scheduler of Dask with one worker."""
    with dask_cluster(folder, **environment) as cluster:
        cluster.hire()
        yield {"MATINEE_WORKER__EXECUTOR": cluster.url}


SERVICES: dict[str, Service] = {
    "kafka": event_bus, "postgresql": database, "s3": object_store, "oidc": sign_in, "dask": executor,
}  # fmt: skip


def main() -> None:
    """Start them all, print what to set, and wait: until Ctrl-C, a signal to end, or the end of the terminal."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # else somebody wants them to outlive it, as nohup does
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="matinee-services-") as name, ExitStack() as running:
        try:
            told: Environment = {}
            for service, start in SERVICES.items():
                environment = running.enter_context(start(Path(name) / service, told))
                told |= environment
                for variable, value in environment.items():
                    print(f"export {variable}={shlex.quote(value)}", flush=True)
            print("# until Ctrl-C: set these in another terminal, and start `matinee up` there", flush=True)
            signal.pause()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
