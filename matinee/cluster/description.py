"""A Dask cluster in a sentence, for `matinee doctor`."""

from collections.abc import Mapping
from typing import Any

from matinee.cluster.connection import address, connect, workers
from matinee.errors import InvalidInput, Unavailable
from matinee.settings import Settings

COMPARED = ("python", "distributed", "matinee")
"""What all members of a cluster should have in the same version, since functions travel between them."""


def describe(settings: Settings) -> str:
    """The scheduler, its version, and the number of workers.

    Raises `Unavailable` when it does not answer or no worker encodes, and `InvalidInput` when versions differ.
    """
    place = address(settings.worker.executor)
    try:
        with connect(settings) as client:
            encoders = len(workers(client))
            versions = client.get_versions(packages=["matinee"])
    except OSError as error:
        raise Unavailable(f"the Dask scheduler {place} does not answer any more") from error
    here = _versions(versions["client"])
    members = {"its scheduler": versions["scheduler"], **versions["workers"]}
    for name, member in members.items():
        if (theirs := _versions(member)) != here:
            raise InvalidInput(f"{place}: {name} has {_told(theirs)}, and this machine {_told(here)}")
    if not encoders:
        raise Unavailable(f"the Dask scheduler {place} has no worker that encodes")
    return f"{place}, Dask {here['distributed']}, {encoders} worker{'s' if encoders > 1 else ''}"


def _versions(member: Mapping[str, Any]) -> dict[str, str]:
    known = {**member["host"], **member["packages"]}
    return {name: str(known.get(name)) for name in COMPARED}


def _told(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())
