"""Prometheus on loopback, with the rules of ours, which asks services on the ports of their operator's doors."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.patience import wait_until
from tests.ports import free_port
from tests.stack import ROOT, stop

HOST = "127.0.0.1"
RULES = ROOT / "deploy" / "prometheus" / "rules.yml"


@dataclass
class Prometheus:
    """One that runs."""

    url: str

    def asked(self, query: str) -> list[dict[str, Any]]:
        """What a query of PromQL gives now."""
        return list(self._data("query", query=query)["result"])

    def rules(self) -> list[dict[str, Any]]:
        """Every alert, with its health and its state."""
        return [rule for group in self._data("rules")["groups"] for rule in group["rules"]]

    def _data(self, path: str, **parameters: str) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@contextmanager
def prometheus(folder: Path, ports: Mapping[str, int]) -> Iterator[Prometheus]:
    """One that asks every second, for as long as the context lasts; jobs are called as in our own configuration."""
    folder.mkdir()
    scraped = [
        {"job_name": f"matinee-{service}", "static_configs": [{"targets": [f"{HOST}:{port}"]}]}
        for service, port in ports.items()
    ]
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration = folder / "prometheus.yml"
    configuration.write_text(yaml.dump({"global": every, "rule_files": [str(RULES)], "scrape_configs": scraped}))
    address = f"{HOST}:{free_port(HOST)}"
    command = ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen([*command, f"--web.listen-address={address}"], stdout=log, stderr=log, text=True)
    try:
        wait_until(lambda: _ready(address) or process.poll() is not None)
        assert process.poll() is None, (folder / "prometheus.log").read_text()
        yield Prometheus(f"http://{address}")
    finally:
        stop(process)


def _ready(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/-/ready", trust_env=False).is_success
    except httpx.TransportError:
        return False
