"""How the scheduler of a Dask cluster is reached, and what it says of itself."""

import asyncio
from typing import Any

import structlog
from distributed import Client, Security
from distributed.comm.core import Comm

import matinee
from matinee.cluster.logs import take_over_logs
from matinee.errors import InvalidInput, Unavailable
from matinee.settings import ClusterSettings, Settings

ENCODE = f"encode with matinee {matinee.__version__}"
"""The resource of which each worker has one, and each piece of work takes one: no worker of another version gets it."""
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 4.0
PAUSE_SECONDS = 1.0

log = structlog.get_logger()


def has_tls(settings: Settings) -> bool:
    """Whether only those who have a certificate come in."""
    return settings.worker.executor.startswith("dask+tls:")


def address(settings: Settings) -> str:
    """What Dask calls the scheduler of `worker.executor`."""
    place = settings.worker.executor.partition("://")[2]
    return f"tls://{place}" if has_tls(settings) else f"tcp://{place}"


def security(settings: Settings) -> Security:
    """The certificates of a member of the cluster: each shows the same kind to each. Raises `InvalidInput`."""
    if not has_tls(settings):
        return Security()
    files = _files(settings.cluster)
    shown = {f"tls_{role}_{kind}": file for role in ("client", "worker") for kind, file in files.items()}
    return Security(require_encryption=True, tls_ca_file=settings.cluster.ca_file, **shown)


def _files(cluster: ClusterSettings) -> dict[str, str]:
    if not cluster.ca_file or not cluster.certificate_file:
        raise InvalidInput("dask+tls:// needs cluster.ca_file and cluster.certificate_file")
    return {"cert": cluster.certificate_file, "key": cluster.key_file or cluster.certificate_file}


def connect(settings: Settings) -> Client:
    """A connection to the scheduler, with a thread of its own. Raises `Unavailable` when it does not answer."""
    take_over_logs()
    place = address(settings)
    try:
        return Client(place, security=security(settings), set_as_default=False, timeout=CONNECT_SECONDS)
    except OSError as error:  # of which TimeoutError is one
        raise Unavailable(f"the Dask scheduler {place} does not answer") from error


async def reach(settings: Settings) -> Client:
    """A connection to the scheduler, however long it takes until there is one."""
    patient = False
    while True:
        try:
            return await asyncio.to_thread(connect, settings)
        except Unavailable as error:
            if not patient:
                log.warning("waiting for the cluster", reason=str(error))
            patient = True
            await asyncio.sleep(PAUSE_SECONDS)


def is_alive(client: Client) -> bool:
    """Whether its scheduler can hear it, and has not been started anew."""
    comm = client.scheduler_comm
    return client.status == "running" and comm is not None and not comm.closed()


def scheduler(client: Client) -> Comm | None:
    """The line to the scheduler, while there is one."""
    return client.scheduler_comm.comm if client.scheduler_comm else None


def workers(client: Client) -> list[dict[str, Any]]:
    """The workers that can encode, as the scheduler describes them. Raises `OSError` when it is lost."""
    if client.scheduler is None:
        raise ConnectionError("the connection is closed")
    try:
        told = client.sync(client.scheduler.identity, n_workers=-1, callback_timeout=ANSWER_SECONDS)
    except RuntimeError as error:  # its loop is closed
        raise ConnectionError("the connection is closed") from error
    known = told["workers"].values()
    return [worker for worker in known if worker["resources"].get(ENCODE)]
