"""docker-compose.yml, as the tests read it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from tests.stack import ROOT

FILE = ROOT / "docker-compose.yml"
SECRETS = "/run/secrets"
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


@dataclass(frozen=True)
class Service:
    """One service of the composition."""

    name: str
    told: Mapping[str, Any]
    """All that the file says of it."""

    @property
    def image(self) -> str:
        return str(self.told["image"])

    @property
    def is_ours(self) -> bool:
        """Whether it runs our image."""
        return "build" in self.told

    @property
    def command(self) -> list[str]:
        """What it runs, its image's entry point aside."""
        return [*self.told.get("entrypoint", []), *self.told.get("command", [])]

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.told.get("environment", {}))

    @property
    def secrets(self) -> list[str]:
        return list(self.told.get("secrets", []))

    @property
    def networks(self) -> list[str]:
        return list(self.told.get("networks", []))

    @property
    def replicas(self) -> int:
        return int(self.told.get("deploy", {}).get("replicas", 1))

    @property
    def health_check(self) -> list[str]:
        """The command that tells whether it is well; empty: there is none."""
        return list(self.told.get("healthcheck", {}).get("test", [])[1:])

    @property
    def mounted(self) -> dict[str, str]:
        """The files and folders of ours that it sees, by where it sees them."""
        pairs = (volume.split(":") for volume in self.told.get("volumes", []))
        return {pair[1]: pair[0] for pair in pairs if pair[0].startswith("./")}


@cache
def document() -> dict[str, Any]:
    """The whole file, with the values that variables have when nobody sets them."""
    return dict(yaml.safe_load(VARIABLE.sub(r"\2", FILE.read_text())))


@cache
def services() -> dict[str, Service]:
    """Every service by its name."""
    return {name: Service(name, told) for name, told in document()["services"].items()}
