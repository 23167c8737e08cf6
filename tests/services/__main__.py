"""The real services on loopback until Ctrl-C, and the settings that use them: `python -m tests.services`."""

import shlex
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from tests.buckets import as_environment, new_bucket
from tests.services.kafka import kafka
from tests.services.postgresql import postgresql
from tests.services.s3 import s3

Environment = dict[str, str]
Service = Callable[[Path], AbstractContextManager[Environment]]


@contextmanager
def event_bus(folder: Path) -> Iterator[Environment]:
    """A broker of Kafka."""
    with kafka(folder) as broker:
        yield {"MATINEE_EVENTS__URL": broker.url}


@contextmanager
def object_store(folder: Path) -> Iterator[Environment]:
    """SeaweedFS, with a bucket."""
    with s3(folder) as server:
        store = new_bucket(server).model_copy(update={"public_endpoint": server.endpoint})
        yield as_environment(store)


@contextmanager
def database(folder: Path) -> Iterator[Environment]:
    """A PostgreSQL server."""
    with postgresql(folder) as url:
        yield {"MATINEE_DATABASE__URL": url}


SERVICES: dict[str, Service] = {"kafka": event_bus, "postgresql": database, "s3": object_store}


def main() -> None:
    """Start them all, print what to set, and wait."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="matinee-services-") as name, ExitStack() as running:
        try:
            for service, start in SERVICES.items():
                environment = running.enter_context(start(Path(name) / service))
                for variable, value in environment.items():
                    print(f"export {variable}={shlex.quote(value)}", flush=True)
            print("# until Ctrl-C: set these in another terminal, and start `matinee up` there", flush=True)
            signal.pause()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
