"""Prometheus watches a house at work: no alert is raised while it is well, and no panel of the dashboard is empty.

Grafana itself comes in no package: its dashboard is tested by the queries that it sends.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest
import yaml

from tests.films import shared_film
from tests.machine import require
from tests.patience import wait_until
from tests.ports import free_port
from tests.services.prometheus import RULES, Prometheus, prometheus
from tests.stack import ROOT, running_stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "matinee.json"
CONFIGURATION = ROOT / "deploy" / "prometheus" / "prometheus.yml"
ALERTS = ROOT / "tests" / "integration" / "alerts.yml"
RATE_INTERVAL = ("$__rate_interval", "5m")
"""What Grafana puts into a query, and a time that is longer than these tests."""


def queries() -> Sequence[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    found = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    return [query.replace(*RATE_INTERVAL) for query in found]


FAULTS = [query for query in queries() if re.search(r" == [01]$", query)]
"""These have an answer while something is wrong."""

SLOW = {"MatineeApiSlow"}
"""What a machine that does much else raises too."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A house that is watched while a film comes in and is played."""
    require("Prometheus")
    folder = tmp_path_factory.mktemp("watched")
    ports = {service: free_port("127.0.0.1") for service in ("edge", "control", "worker")}
    settings = {"ADMIN__HOST": "127.0.0.1"} | {f"ADMIN__{name.upper()}_PORT": str(port) for name, port in ports.items()}
    with (
        running_stack(folder / "data", port=0, **settings) as stack,
        prometheus(folder / "prometheus", ports) as watching,
    ):
        wait_until(lambda: len(watching.asked("up == 1")) == len(ports))
        master = stack.play(stack.ingest(shared_film(), "A film"))["hls"]
        with httpx.Client(trust_env=False) as client:
            name = re.findall(r"^(v\d+)\.m3u8$", client.get(master).text, re.MULTILINE)[0]
            media = f"{master.rpartition('/')[0]}/{name}.mp4"
            for _ in range(3):
                assert client.get(media, headers={"range": "bytes=0-999"}).status_code == 206
        assert stack.matinee("titles", "show", "0" * 26).returncode != 0  # a call is refused too
        yield watching


@pytest.mark.parametrize("command", [("check", "config", CONFIGURATION), ("test", "rules", ALERTS)])
def test_promtool_takes_configuration_and_rules_which_raise_what_they_should(command: Sequence[str | Path]) -> None:
    require("Prometheus")
    done = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_raised_once_and_once_not_yet() -> None:
    rules = {rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
    tests = [told for test in yaml.safe_load(ALERTS.read_text())["tests"] for told in test["alert_rule_test"]]
    assert {told["alertname"] for told in tests if "exp_alerts" in told} == rules
    assert {told["alertname"] for told in tests if "exp_alerts" not in told} == rules


@pytest.mark.parametrize("query", [query for query in queries() if query not in FAULTS])
def test_a_query_of_the_dashboard_has_an_answer(watched: Prometheus, query: str) -> None:
    wait_until(lambda: watched.asked(query), reproach=lambda: query)


@pytest.mark.parametrize("query", FAULTS)
def test_the_dashboard_shows_no_fault_where_there_is_none(watched: Prometheus, query: str) -> None:
    wait_until(lambda: watched.asked(query) == [], reproach=lambda: query)  # a busy machine may be late once


def test_no_alert_is_raised_by_a_house_that_is_well(watched: Prometheus) -> None:
    wait_until(lambda: all(rule["health"] != "unknown" for rule in watched.rules()))
    assert {rule["name"]: rule.get("lastError") for rule in watched.rules() if rule["health"] != "ok"} == {}
    wait_until(lambda: {rule["name"] for rule in watched.rules() if rule["state"] != "inactive"} <= SLOW)
