"""What a Dask cluster does when its workers, its scheduler, or those who gave it work die."""

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from gc import collect
from importlib.metadata import version
from pathlib import Path
from warnings import catch_warnings

import httpx
import pytest
from distributed.comm.core import Comm
from prometheus_client import generate_latest

from ingest.crew import Crew
from matinee.cli.doctor import Finding, examine
from matinee.cluster.connection import connect
from matinee.cluster.executor import ClusterExecutor, open_cluster
from matinee.cluster.membership import Membership
from matinee.errors import Unavailable
from matinee.settings import Settings, TraceSettings, load_settings
from matinee.telemetry import request_ids, traces
from matinee.telemetry.instruments import Instruments
from tests import distant
from tests.authority import Authority
from tests.distant import children
from tests.otlp import collector
from tests.patience import PATIENCE, until, wait_until, within
from tests.ports import free_port
from tests.services.certificate import write_certificate
from tests.services.dask import HOST, DaskCluster, dask_cluster

pytestmark = pytest.mark.anyio

GIVER = """
import asyncio, sys
from pathlib import Path
from matinee.cluster.connection import connect
from matinee.cluster.executor import open_cluster
from matinee.settings import load_settings
from tests import distant

async def give():
    async with open_cluster(load_settings()) as executor:
        await asyncio.wrap_future(executor.submit(distant.mind_a_child, Path(sys.argv[1])))

asyncio.run(give())
"""
OF_ANOTHER_VERSION = "import matinee; matinee.__version__ = '0.0.9'; from matinee.cli.main import main; main()"


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path / "dask") as cluster:
        yield cluster
    with catch_warnings(action="ignore", category=ResourceWarning):
        collect()  # a client that was connecting to a scheduler that died leaves the socket to the collector


@pytest.fixture
def settings(dask: DaskCluster) -> Settings:
    return load_settings(worker={"executor": dask.url})


@pytest.fixture
async def executor(settings: Settings) -> AsyncIterator[ClusterExecutor]:
    async with open_cluster(settings) as executor:
        yield executor


def has_begun(note: Path, times: int) -> bool:
    """Whether a child that minds the note was started so often, or once more: a busy worker is taken for a dead one."""
    return note.exists() and note.read_text().count("begun\n") >= times


async def nobody_works_before_another_is_hired(dask: DaskCluster, executor: ClusterExecutor, seconds: float) -> None:
    """Work is not done within so many seconds, but as soon as there is one more worker."""
    working = asyncio.create_task(Crew(executor).run(distant.double, 21))
    await asyncio.wait([working], timeout=seconds)
    assert not working.done()
    dask.hire()
    assert await working == 42


async def test_work_waits_for_the_first_worker(dask: DaskCluster, executor: ClusterExecutor) -> None:
    await nobody_works_before_another_is_hired(dask, executor, seconds=0.5)


async def test_a_killed_worker_leaves_no_child_and_its_work_is_done_elsewhere(
    dask: DaskCluster, executor: ClusterExecutor, tmp_path: Path
) -> None:
    crew, note = Crew(executor), tmp_path / "note"
    working = asyncio.create_task(crew.run(distant.mind_a_child, note))
    [victim] = dask.hire()
    await until(partial(has_begun, note, 1))
    victim.kill()
    await until(lambda: not children(note), seconds=2)
    dask.hire()
    await until(partial(has_begun, note, 2))
    await crew.dismiss()
    await asyncio.gather(working, return_exceptions=True)


async def test_a_worker_that_is_told_to_stop_hands_its_work_on_and_nobody_is_blamed(
    dask: DaskCluster, executor: ClusterExecutor, tmp_path: Path
) -> None:
    crew, note = Crew(executor), tmp_path / "note"
    working = asyncio.create_task(crew.run(distant.mind_a_child, note))
    for times in range(1, 6):  # more than a killer of workers may have
        [worker] = dask.hire()
        await until(partial(has_begun, note, times))
        worker.terminate()
        assert await asyncio.to_thread(worker.wait, PATIENCE) == 0
        assert children(note) == []
    assert not working.done()
    await crew.dismiss()
    await asyncio.gather(working, return_exceptions=True)


async def test_work_that_kills_its_workers_fails_with_the_reason(
    dask: DaskCluster, executor: ClusterExecutor, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    dask.hire(4)
    with pytest.raises(Unavailable, match="4 workers of the Dask cluster died while they encoded the same piece"):
        await Crew(executor).run(distant.die, note)
    assert len(set(note.read_text().split())) == 4


async def test_work_goes_on_when_the_scheduler_is_back(
    dask: DaskCluster, executor: ClusterExecutor, tmp_path: Path
) -> None:
    crew, note = Crew(executor), tmp_path / "note"
    dask.hire(2)
    working = asyncio.create_task(crew.run(distant.mind_a_child, note))
    await until(partial(has_begun, note, 1))
    await asyncio.to_thread(dask.kill)
    await until(lambda: not children(note))
    await asyncio.to_thread(dask.start)
    await until(partial(has_begun, note, 2))
    await crew.dismiss()
    await asyncio.gather(working, return_exceptions=True)
    assert await Crew(executor).run(distant.double, 4) == 8


async def test_children_end_when_who_gave_the_work_is_killed(dask: DaskCluster, tmp_path: Path) -> None:
    note = tmp_path / "note"
    dask.hire()
    environment = {**os.environ, "MATINEE_WORKER__EXECUTOR": dask.url}
    giver = await asyncio.create_subprocess_exec(sys.executable, "-c", GIVER, str(note), env=environment)
    await until(partial(has_begun, note, 1))
    giver.send_signal(signal.SIGKILL)
    await giver.wait()
    await until(lambda: not children(note), seconds=5)


def finding(settings: Settings) -> Finding:
    """What `matinee doctor` says of the cluster."""
    return next(finding for finding in examine(settings) if finding.name == "cluster")


def test_doctor_tells_the_scheduler_its_version_and_its_workers(dask: DaskCluster, settings: Settings) -> None:
    assert finding(settings).state == f"the Dask scheduler tcp://127.0.0.1:{dask.port} has no worker that encodes"
    dask.hire(2)
    wait_until(lambda: len(dask.said("at the service of a Dask scheduler")) == 2)
    assert finding(settings) == Finding(
        "cluster", True, f"tcp://127.0.0.1:{dask.port}, Dask {version('distributed')}, 2 workers"
    )


def test_doctor_tells_a_scheduler_that_does_not_answer(dask: DaskCluster, settings: Settings) -> None:
    dask.kill()
    found = finding(settings)
    assert (found.well, found.state) == (False, f"the Dask scheduler tcp://127.0.0.1:{dask.port} does not answer")


async def test_a_cluster_with_tls_takes_only_those_who_have_a_certificate_of_it(tmp_path: Path) -> None:
    certificate, with_key = tmp_path / "certificate.pem", tmp_path / "with-key.pem"
    write_certificate("127.0.0.1", certificate, with_key)
    members = {"ca_file": str(certificate), "certificate_file": str(with_key)}
    environment = {f"MATINEE_CLUSTER__{name.upper()}": value for name, value in members.items()}
    options = ("--protocol", "tls", "--tls-ca-file", str(certificate), "--tls-cert", str(with_key))
    with dask_cluster(tmp_path / "dask", *options, **environment) as dask:
        dask.hire()
        async with open_cluster(load_settings(worker={"executor": dask.url}, cluster=members)) as executor:
            assert await Crew(executor).run(distant.double, 21) == 42
        with pytest.raises(Unavailable):
            await asyncio.to_thread(connect, load_settings(worker={"executor": f"dask://127.0.0.1:{dask.port}"}))


async def test_members_of_a_cluster_tell_when_their_certificates_and_that_of_the_scheduler_expire(
    tmp_path: Path,
) -> None:
    authority, port = Authority(tmp_path / "authority", days=60), free_port(HOST)
    own, of_scheduler = authority.issue("member", days=9), authority.issue("scheduler", days=5)
    members = {
        "ca_file": str(authority.file),
        "certificate_file": str(own.certificate),
        "key_file": str(own.private_key),
    }
    environment = {f"MATINEE_CLUSTER__{name.upper()}": value for name, value in members.items()}
    environment |= {"MATINEE_ADMIN__HOST": HOST, "MATINEE_ADMIN__DASK_WORKER_PORT": str(port)}
    shown = ("--tls-cert", str(of_scheduler.certificate), "--tls-key", str(of_scheduler.private_key))
    options = ("--protocol", "tls", "--tls-ca-file", str(authority.file), *shown)
    instruments = Instruments("worker")
    ends = {"cluster.certificate_file": 9, "cluster.ca_file": 60, "worker.executor": 5}
    with dask_cluster(tmp_path / "dask", *options, **environment) as dask:
        dask.hire()
        async with open_cluster(load_settings(worker={"executor": dask.url}, cluster=members), instruments):
            await until(lambda: expiries(generate_latest(instruments.registry).decode()) == ends)
        await until(lambda: expiries(measures_of(port)) == ends)


def expiries(measures: str) -> dict[str, int]:
    """In how many days each certificate expires, by its setting."""
    found = re.findall(r'^matinee_certificate_expiry_timestamp_seconds{setting="(.*)"} (.*)$', measures, re.MULTILINE)
    return {setting: round((float(end) - time.time()) / 86_400) for setting, end in found}


def measures_of(port: int) -> str:
    """What a worker tells Prometheus, if it does."""
    try:
        return httpx.get(f"http://{HOST}:{port}/metrics", trust_env=False).text
    except httpx.TransportError:
        return ""


async def test_a_worker_is_ready_while_it_has_a_scheduler(dask: DaskCluster) -> None:
    port = free_port(HOST)
    dask.environment |= {"MATINEE_ADMIN__HOST": HOST, "MATINEE_ADMIN__DASK_WORKER_PORT": str(port)}
    dask.hire()

    async def answers(status: int, reason: str) -> bool:
        answer = await asyncio.to_thread(readiness_of, port)
        return answer is not None and answer.status_code == status and reason in answer.text

    await until(lambda: answers(200, ""))
    dask.kill()
    await until(lambda: answers(503, "scheduler: the Dask scheduler does not answer"))
    dask.start()
    await until(lambda: answers(200, ""))


def readiness_of(port: int) -> httpx.Response | None:
    """What a worker says of itself, if it does."""
    try:
        return httpx.get(f"http://{HOST}:{port}/readyz", trust_env=False)
    except httpx.TransportError:
        return None


async def test_who_encodes_by_a_cluster_is_ready_while_it_has_a_scheduler_and_a_worker(
    dask: DaskCluster, settings: Settings
) -> None:
    instruments, place = Instruments("worker"), f"the Dask scheduler tcp://{HOST}:{dask.port}"
    instruments.readiness.serve()

    async def lacks(*faults: str) -> bool:
        return await instruments.readiness.faults() == list(faults)

    async with open_cluster(settings, instruments):
        await until(lambda: lacks(f"scheduler: {place} has no worker that encodes"))
        dask.hire()
        await until(lacks)
        dask.kill()
        await until(lambda: lacks(f"scheduler: {place} does not answer"))
        await asyncio.to_thread(dask.start)
        await until(lacks)


async def test_a_worker_of_another_version_gets_no_work(dask: DaskCluster, executor: ClusterExecutor) -> None:
    dask.hire(1, "-c", OF_ANOTHER_VERSION, "dask-worker")
    wait_until(lambda: dask.said("at the service of a Dask scheduler"))
    await nobody_works_before_another_is_hired(dask, executor, seconds=1)


async def test_a_place_that_is_freed_while_the_scheduler_is_asked_is_taken_at_once(
    dask: DaskCluster, executor: ClusterExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matinee.cluster.executor.LOOK_SECONDS", 1_000)
    dask.hire(2)
    wait_until(lambda: len(dask.said("at the service of a Dask scheduler")) == 2)
    async with within(100):
        await asyncio.gather(*(Crew(executor).run(distant.double, number) for number in range(60)))


async def test_what_workers_tell_is_heard_though_who_had_connected_was_cancelled_meanwhile(
    dask: DaskCluster, settings: Settings
) -> None:
    entering, heard = asyncio.Event(), list[float]()

    class Slow(Membership):
        """Reads its certificates from a disk that hangs."""

        async def entered(self, scheduler: Comm | None) -> None:
            entering.set()
            await asyncio.Event().wait()

    executor = ClusterExecutor(settings, Slow(settings, None))
    try:
        await entering.wait()
        executor._staying.cancel()
        dask.hire()
        await Crew(executor).run(distant.tell, [1.5, 2.5], on_seconds=heard.append)
        await until(lambda: heard == [1.5, 2.5])
    finally:
        await executor.close()


async def test_what_a_worker_does_is_in_the_request_and_the_trace_of_who_wants_it(
    dask: DaskCluster, executor: ClusterExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "_tracer", None)  # which is as before afterwards
    monkeypatch.setattr(traces, "_provider", None)
    with collector() as collecting:
        finish = traces.start_traces("worker", TraceSettings(endpoint=collecting.endpoint))
        dask.environment |= {"MATINEE_TRACES__ENDPOINT": collecting.endpoint}
        [worker] = dask.hire()
        with request_ids.within("a-request"), traces.span("encode"):
            await Crew(executor).run(distant.run_a_child)
        await Crew(executor).run(distant.run_a_child)
        worker.terminate()
        await asyncio.to_thread(worker.wait, PATIENCE)
        await asyncio.to_thread(finish)
        [encode] = collecting.named("worker", "encode")
        [done] = [span for span in collecting.named("dask-worker", "perform") if span.parent_id]
    assert (done.trace_id, done.parent_id) == (encode.trace_id, encode.span_id)
    assert [told.get("request_id") for told in dask.said("ffmpeg")][-2:] == ["a-request", None]


async def test_the_work_of_a_worker_that_hangs_is_done_elsewhere(
    dask: DaskCluster, settings: Settings, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    dask.kill()
    dask.of_scheduler["DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL"] = "3s"
    dask.start()
    async with open_cluster(settings) as executor:
        crew = Crew(executor)
        working = asyncio.create_task(crew.run(distant.mind_a_child, note))
        [victim] = dask.hire()
        await until(partial(has_begun, note, 1))
        victim.send_signal(signal.SIGSTOP)
        dask.hire()
        await until(partial(has_begun, note, 2))
        victim.send_signal(signal.SIGCONT)
        await crew.dismiss()
        await asyncio.gather(working, return_exceptions=True)
        assert await Crew(executor).run(distant.double, 4) == 8
