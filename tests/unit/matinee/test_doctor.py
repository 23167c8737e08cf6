"""`matinee doctor`: what is wrong, and how to mend it."""

import asyncio
import re
import sys
import time
from pathlib import Path

import pytest

from control.database import outbox
from control.database.engine import open_database
from ingest.isolation import is_offline
from matinee.cli.doctor import Finding, examine, foreign_claims
from matinee.instance import announce
from matinee.settings import Settings, load_settings
from matinee.storage.opening import open_store
from tests.authority import Authority
from tests.canned_api import answering
from tests.events import played, record
from tests.ports import free_port
from tests.secured_control import HOST, control, files


def install(folder: Path, distribution: str, package: str) -> None:
    """Lay out a distribution with one top-level package, as pip does."""
    (folder / package).mkdir(parents=True)
    information = folder / f"{distribution.replace('-', '_')}-1.2.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
    (information / "top_level.txt").write_text(f"{package}\n")


def test_another_distribution_that_claims_one_of_our_names_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "edge-computing", "edge")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    [finding] = foreign_claims(["edge"])
    assert (finding.well, finding.state) == (False, "claimed by edge-computing 1.2 too")
    assert finding.mend == "pip uninstall edge-computing"


def test_nobody_else_claims_our_names_here() -> None:
    assert all(finding.well for finding in foreign_claims(["matinee", "packager", "ingest", "edge", "control"]))


def faults(settings: Settings) -> dict[str, str]:
    """What is wrong, and how to mend it."""
    return {finding.name: finding.mend for finding in examine(settings) if not finding.well}


def test_a_house_that_does_not_run_is_told_with_what_to_do(tmp_path: Path) -> None:
    open_store((tmp_path / "objects").as_uri())
    assert faults(load_settings(data=tmp_path)) == {
        "public door": "start it with `matinee up`",
        "control": "start it with `matinee up` or `matinee control`",
    }


def test_a_house_that_has_never_run_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    found = faults(load_settings(data=tmp_path / "data"))
    assert found["data directory"] == "start it with `matinee up`, or name another with --data"
    assert found["object store"] == "start it with `matinee up`, or check store.url in matinee.toml"
    assert not (tmp_path / "data").exists()


def test_events_that_the_bus_refuses_are_told_with_the_reason(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path / "Été")
    settings.data.mkdir()

    async def refuse() -> None:
        database = await open_database(settings.database_url)
        await record(database, time.time, played(), played())
        async with database.write() as connection:
            events = await outbox.oldest(connection, 10)
            await outbox.refuse(connection, {event.event_id: "it is too large" for event in events})
        await database.close()

    asyncio.run(refuse())
    [finding] = [finding for finding in examine(settings) if finding.name == "events"]
    assert (finding.well, finding.state) == (False, "2 of movie-played refused by the event bus: it is too large")


def test_the_libraries_that_probe_are_told(tmp_path: Path) -> None:
    [finding] = [finding for finding in examine(load_settings(data=tmp_path)) if finding.name == "probe"]
    assert re.match(r"PyAV \d+\.\d+\S* with FFmpeg \d+\.\d+", finding.state)


def test_whether_ffmpeg_could_reach_the_network_is_told(tmp_path: Path) -> None:
    [finding] = [finding for finding in examine(load_settings(data=tmp_path)) if finding.name == "isolation"]
    assert ("is kept from" in finding.state) == is_offline()


@pytest.mark.parametrize("data", ["/dev/null", "/dev/null/x"])
def test_a_data_directory_that_can_be_none_is_told(data: str) -> None:
    assert {"data directory", "object store", "public door", "control"} == set(faults(load_settings(data=Path(data))))


def test_a_store_that_fails_is_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "assets").write_bytes(b"no folder")
    [finding] = [finding for finding in examine(load_settings(data=tmp_path)) if finding.name == "object store"]
    assert not finding.well
    assert "Not a directory" in finding.state


def test_a_kafka_that_does_not_answer_is_told(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, events={"url": f"kafka://127.0.0.1:{free_port('127.0.0.1')}"})
    [finding] = [finding for finding in examine(settings) if finding.name == "event bus"]
    assert not finding.well
    assert "Kafka is not available" in finding.state


def database(settings: Settings) -> Finding:
    """What is found of a PostgreSQL."""
    return next(finding for finding in examine(settings) if finding.name == "database")


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
def test_a_postgresql_that_answers_is_told_with_its_release(tmp_path: Path, empty_database_url: str) -> None:
    finding = database(load_settings(data=tmp_path, database={"url": empty_database_url}))
    assert finding.well
    assert re.match(r"PostgreSQL \d+", finding.state)


def test_a_postgresql_that_does_not_answer_is_told(tmp_path: Path) -> None:
    url = f"postgresql+asyncpg://matinee@127.0.0.1:{free_port('127.0.0.1')}/matinee"
    finding = database(load_settings(data=tmp_path, database={"url": url}))
    assert not finding.well
    assert "does not answer" in finding.state


def door(settings: Settings) -> Finding:
    """What is found of the public door."""
    return next(finding for finding in examine(settings) if finding.name == "public door")


def jobs(settings: Settings) -> Finding:
    """What is found of the jobs."""
    return next(finding for finding in examine(settings) if finding.name == "jobs")


LONG_WAITING = {
    "title_name": "Vast", "message": "the disk of big is full", "waits_since": "2026-11-26T12:00:00Z",
    "due_at": "2026-11-26T12:05:00Z",
}  # fmt: skip


def test_jobs_that_wait_for_a_disk_are_told_with_the_reason(tmp_path: Path) -> None:
    waiting = [{**LONG_WAITING, "title_name": "Small", "waits_since": "2026-11-26T12:01:00Z"}, LONG_WAITING]
    with answering({"GET /api/v1/jobs": {"jobs": waiting}, "GET /readyz": {}}) as url:
        finding = jobs(load_settings(data=tmp_path, url=url, token="token"))
    assert not finding.well
    assert finding.state.startswith("2 waiting, and longest Vast: the disk of big is full (waits since 2026-11-26 ")


def test_that_no_job_waits_is_told(tmp_path: Path) -> None:
    with answering({"GET /api/v1/jobs": {"jobs": []}, "GET /readyz": {}}) as url:
        assert jobs(load_settings(data=tmp_path, url=url, token="token")).state == "none waits for a store or a disk"


def test_the_room_for_work_is_told(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    [finding] = [finding for finding in examine(load_settings(data=tmp_path)) if finding.name == "scratch"]
    assert re.fullmatch(rf"{tmp_path}/scratch, [0-9,]+ MB free", finding.state)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_door_that_answers_is_well(tmp_path: Path) -> None:
    with answering({"GET /readyz": {"ready": True}}) as url:
        settings = load_settings(data=tmp_path, http={"public_url": url})
        settings.run_directory.mkdir()
        announce(settings)
        assert door(settings) == Finding("public door", True, url)


def test_the_door_of_a_house_that_was_killed_is_wrong(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, http={"port": free_port("127.0.0.1")})
    settings.run_directory.mkdir()
    announce(settings)
    found = door(settings)
    assert (found.well, found.mend) == (False, "start it with `matinee up`")
    assert found.state.startswith(f"{settings.public_url} does not answer")


def test_a_machine_of_many_needs_no_door(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, control={"address": "127.0.0.1:9"}, http={"port": free_port("127.0.0.1")})
    assert door(settings) == Finding("public door", True, "none on this machine, as it may be in a house of many")


def test_a_machine_of_many_needs_no_data_directory(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path / "none", control={"address": "127.0.0.1:9"})
    assert "data directory" not in faults(settings)


def test_the_door_of_a_machine_of_many_is_looked_at(tmp_path: Path) -> None:
    with answering({"GET /readyz": {"ready": True}}) as url:
        http = {"port": int(url.rpartition(":")[2])}
        settings = load_settings(data=tmp_path, control={"address": "127.0.0.1:9"}, http=http)
        assert door(settings) == Finding("public door", True, url)


def test_an_ffmpeg_that_is_not_there_is_told(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, worker={"ffmpeg": str(tmp_path / "ffmpeg")})
    [finding] = [finding for finding in examine(settings) if finding.name == "ffmpeg"]
    assert not finding.well
    assert "worker.ffmpeg" in finding.mend


def controls(settings: Settings) -> list[Finding]:
    """What is found of control, its secret and the certificate of this machine."""
    return [one for one in examine(settings) if one.name in {"control", "secret", "certificate"}]


def test_each_control_is_told_by_its_address(tmp_path: Path) -> None:
    ports = [free_port("127.0.0.1") for _ in range(2)]
    address = ",".join(f"127.0.0.1:{port}" for port in ports)
    settings = load_settings(data=tmp_path, control={"address": address})
    states = [finding.state for finding in controls(settings) if finding.name == "control"]
    assert states == [f"127.0.0.1:{port} does not answer" for port in ports]


def test_a_name_is_told_with_its_addresses(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, control={"address": f"localhost:{free_port('127.0.0.1')}"})
    [state] = [finding.state for finding in controls(settings) if finding.name == "control"]
    assert f"127.0.0.1:{settings.control.address.rpartition(':')[2]} does not answer" in state


def test_a_machine_of_many_is_told_that_it_has_no_secret(tmp_path: Path) -> None:
    secret = {"secret_file": str(tmp_path / "secret")}
    settings = load_settings(data=tmp_path, control={"address": "127.0.0.1:9", **secret})
    assert not controls(settings)[0].well
    (tmp_path / "secret").write_text("s" * 32)
    assert controls(settings)[0] == Finding("secret", True, secret["secret_file"])


@pytest.mark.parametrize(("days", "state"), [(30, ", for CN=edge, until 20"), (-1, " expired on 20")])
def test_the_certificate_of_the_machine_is_told_until_it_is_over(tmp_path: Path, days: int, state: str) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue("edge", days)
    files = {"certificate_file": issued.certificate, "private_key_file": issued.private_key}
    control = {name: str(file) for name, file in {**files, "authority_file": authority.file}.items()}
    [found] = [one for one in controls(load_settings(data=tmp_path, control=control)) if one.name == "certificate"]
    assert found.well is (days > 0)
    assert f"{issued.certificate}{state}" in found.state


def test_a_control_that_would_be_called_in_clear_is_told(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, control={"address": "192.0.2.1:7400"})
    assert "control at 192.0.2.1:7400 would be called without TLS" in controls(settings)[-1].state


def test_a_control_that_is_not_trusted_is_told_with_the_reason(tmp_path: Path) -> None:
    ours, strangers = Authority(tmp_path / "ours"), Authority(tmp_path / "strangers", name="strangers")

    async def look() -> list[Finding]:
        async with control(**files(ours.issue(HOST))) as address:
            told = load_settings(data=tmp_path, control={"address": address, **files(authority=strangers)})
            return await asyncio.to_thread(controls, told)

    found = asyncio.run(look())[-1]
    assert not found.well
    assert f"is not who control.authority_file {strangers.file} vouches for: unable to get" in found.state
