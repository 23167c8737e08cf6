"""What docker-compose.yml describes, as plain processes on loopback: its commands, its environment, its secrets.

Each process has an address of its own in 127.0.0.0/8 and listens where it would in its container. So nothing is changed
but names, which become addresses, and folders.
"""

import os
import random
import re
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from deploy import secret_files
from tests.composition import SECRETS, Service, services
from tests.openid_provider import FOLDER as OIDC
from tests.openid_provider import NODE
from tests.patience import wait_until
from tests.services.kafka import image_settings, java
from tests.services.names import name_server
from tests.services.postgresql import postgresql
from tests.services.s3 import seaweedfs_ports
from tests.stack import ROOT

Process = subprocess.Popen[bytes]
BINARIES = Path(sysconfig.get_path("scripts"))
DOMAIN = "films.localhost"
HTTPS = 8443
"""Instead of 443, which is root's."""
STOP_SECONDS = 15
STAGES = (
    ("kafka", "s3", "sign-in", "scheduler"),
    ("bucket",),
    ("control",),
    ("edge", "worker", "dask-worker", "balancer"),
)
"""Who is waited for before the next are started."""
NAME = re.compile(rf"(?<![\w.-])({'|'.join(services())})(:\d+)")
"""A service and a port of it."""
PORTS = {
    "balancer": HTTPS, "control": 7400, "edge": 8080, "kafka": 9092, "s3": 8333, "scheduler": 8786, "sign-in": 5556,
}  # fmt: skip
STATELESS = {"edge", "worker", "dask-worker"}
"""Whose replicas have a folder each; the others share one."""


@dataclass
class Topology:
    """The processes of a composition, whose files lie in a folder."""

    folder: Path
    resolver: str = ""
    database_url: str = ""
    s3_ports: dict[str, int] = field(default_factory=dict)
    processes: dict[tuple[str, int], Process] = field(default_factory=dict)

    @cached_property
    def net(self) -> str:
        """A part of 127.0.0.0/8 that nobody else is likely to use."""
        return f"127.{random.randint(1, 254)}.{random.randint(0, 255)}"

    @cached_property
    def addresses(self) -> dict[str, list[str]]:
        """Where the replicas of each service are."""
        numbers = iter(range(10, 255))
        return {name: [f"{self.net}.{next(numbers)}" for _ in range(one.replicas)] for name, one in services().items()}

    @property
    def url(self) -> str:
        """Where browsers find Matinee."""
        return f"https://{self.net}.2:{HTTPS}"

    @property
    def issuer(self) -> str:
        """Where they find the OpenID provider."""
        return f"https://{self.net}.3:{HTTPS}"

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def make_secrets(self) -> None:
        """As operators make them, but for a house that is found by addresses."""
        self.secrets.mkdir()
        secret_files.make_public_certificate(self.secrets, f"{self.net}.2", f"{self.net}.3")
        secret_files.main(self.secrets, DOMAIN)
        providers = self.secrets / "matinee_oidc__providers"
        providers.write_text(self.local(providers.read_text()))
        (self.secrets / "matinee_database__url").write_text(self.database_url)  # it listens on a unix socket alone

    def local(self, text: str, own: str = "") -> str:
        """What the composition says, with addresses in place of names; `own` is that of the process."""
        balancer = services()["balancer"]
        for said, meant in {
            f"https://sign-in.{DOMAIN}": self.issuer,
            f"https://{DOMAIN}": self.url,
            f"sign-in.{DOMAIN}": f"{self.net}.3",
            balancer.environment["RESOLVER"]: self.resolver,
            "127.0.0.1": own,
            "0.0.0.0": own,
            balancer.told["networks"]["door"]["ipv4_address"]: "127.0.0.1",
            SECRETS: str(self.secrets),
        }.items():
            text = text.replace(said, meant)
        return NAME.sub(self._address, text)

    def _address(self, found: re.Match[str]) -> str:
        port = f":{self.s3_ports['s3.port']}" if found[1] == "s3" else found[2]
        return ",".join(address + port for address in self.addresses[found[1]])

    def start(self, name: str) -> None:
        """Start every replica of a service."""
        for replica, own in enumerate(self.addresses[name]):
            data = self.folder / (f"{name}-{replica}" if name in STATELESS else name)
            data.mkdir(exist_ok=True)
            environment = self._environment(services()[name], own) | {"MATINEE_DATA": str(data)}
            command = self._command(services()[name], own, data)
            inherited = {name: value for name, value in os.environ.items() if not name.startswith("MATINEE_")}
            with (self.folder / f"{name}-{replica}.log").open("ab") as log:
                self.processes[name, replica] = subprocess.Popen(
                    command, cwd=data, env=inherited | environment, stdout=log, stderr=log
                )

    def start_all(self) -> None:
        """Start everything but what measures, each when those whom it waits for are well."""
        for stage in STAGES:
            for name in stage:
                self.start(name)
            for name in stage:
                self.wait_for(name)

    def wait_for(self, name: str) -> None:
        """Wait until every replica takes connections where there is a port for them, or has done what it does once."""
        for replica, address in enumerate(self.addresses[name]):
            if name in PORTS:
                at = f"{self.net}.2" if name == "balancer" else address
                port = self.s3_ports["s3.port"] if name == "s3" else PORTS[name]
                self._wait_until_it_answers(name, replica, (at, port))
            elif name == "bucket":
                assert self.processes[name, replica].wait() == 0, self.log(name)

    def _wait_until_it_answers(self, name: str, replica: int, address: tuple[str, int]) -> None:
        process = self.processes[name, replica]
        wait_until(lambda: process.poll() is not None or _answers(address), reproach=lambda: self.log(name))
        assert process.poll() is None, self.log(name)

    def kill(self, name: str, replica: int) -> None:
        """End one process at once."""
        self.processes[name, replica].kill()
        self.processes[name, replica].wait()

    def log(self, name: str) -> str:
        """What a service has said."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob(f"{name}-*.log")))

    def stop(self) -> None:
        """Stop everything, what was started last first."""
        for process in reversed(self.processes.values()):
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _environment(self, service: Service, own: str) -> dict[str, str]:
        """What its container is told, with other ports where those are root's."""
        told = {name: self.local(value, own) for name, value in service.environment.items()}
        if service.name == "balancer":
            told |= {"LISTEN": f"{self.net}.2:{HTTPS},{self.net}.3:{HTTPS}", "OPERATOR": f"{own}:8404"}
        return told

    def _command(self, service: Service, own: str, data: Path) -> list[str]:
        """What its container would run, or the same service from elsewhere."""
        told = [self.local(word, own) for word in service.command]
        match service.name:
            case "balancer":
                return ["haproxy", "-db", "-f", str(ROOT / "deploy/haproxy/haproxy.cfg")]
            case "scheduler":
                return [str(BINARIES / told[0]), *told[1:]]
            case "s3":
                told = [word.replace("/data", str(data)).replace("=s3", f"={own}") for word in told]
                return [str(BINARIES / "weed"), *told, *(f"-{name}={port}" for name, port in self.s3_ports.items())]
            case "kafka":
                return java("kafka.Kafka", image_settings(self._environment(service, own), data))
            case "sign-in":
                secret = (self.secrets / "oidc_client_secret").read_text()
                callback = f"{self.url}/sign-in/callback"
                return [str(NODE), str(OIDC / "provider.mjs"), callback, own, "5556", self.issuer, secret]
            case _:
                return [sys.executable, "-m", "matinee", *service.command]


def _answers(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def running_topology(folder: Path) -> Iterator[Topology]:
    """Everything but what measures, for as long as the context lasts."""
    house = Topology(folder)
    with ExitStack() as stack:
        house.s3_ports = stack.enter_context(seaweedfs_ports())
        house.resolver = stack.enter_context(name_server(f"{house.net}.1", house.addresses))
        database = stack.enter_context(tempfile.TemporaryDirectory(prefix="matinee-topology-"))
        house.database_url = stack.enter_context(postgresql(Path(database) / "postgres"))
        stack.callback(house.stop)
        house.make_secrets()
        house.start_all()
        yield house
