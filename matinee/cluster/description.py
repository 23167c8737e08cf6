"""A Dask cluster in a sentence, for `matinee doctor`."""

from collections.abc import Mapping
from typing import Any

from matinee.cluster.connection import address, connect, workers
from matinee.errors import InvalidInput, Unavailable
from matinee.settings import Settings

COMPARED = ("python", "distributed", "matinee")
"""What all members of a cluster should have in the same version, since functions travel between them."""


Versions = Mapping[str, str]
"""Package to version."""


def describe(settings: Settings) -> str:
    """The scheduler, its version, and the number of workers.

    Raises `Unavailable` when it does not answer or no worker encodes, and `InvalidInput` when versions differ.
    """
    place = address(settings)
    try:
        with connect(settings) as client:
            encoders = len(workers(client))
            versions = client.get_versions(packages=["matinee"])
    except OSError as error:
        raise Unavailable(f"the Dask scheduler {place} does not answer any more") from error
    here = _versions(versions["client"])
    members = {"its scheduler": versions["scheduler"], **versions["workers"]}
    if differs := difference(here, {name: _versions(member) for name, member in members.items()}):
        raise InvalidInput(f"{place}: {differs}")
    if not encoders:
        raise Unavailable(f"the Dask scheduler {place} has no worker that encodes")
    return f"{place}, Dask {here['distributed']}, {encoders} worker{'s' if encoders > 1 else ''}"


def difference(here: Versions, members: Mapping[str, Versions]) -> str:
    """The first difference between the versions here and those of a member, in a sentence; empty when there is none."""
    for name, versions in members.items():
        for package, version in versions.items():
            if version != here[package]:
                return f"{name} has {package} {version}, and this machine {here[package]}"
    return ""


def _versions(member: Mapping[str, Any]) -> Versions:
    known = {**member["host"], **member["packages"]}
    return {name: str(known.get(name)) for name in COMPARED}
