"""What a Dask cluster does when its workers, its scheduler, or those who gave it work die."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from ingest.crew import Crew
from matinee.cli.doctor import Finding, examine
from matinee.cluster.connection import connect
from matinee.cluster.executor import ClusterExecutor, open_cluster
from matinee.errors import Unavailable
from matinee.instance import free_port
from matinee.settings import Settings, load_settings
from tests import distant
from tests.distant import children
from tests.patience import until, wait_until
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


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path / "dask") as cluster:
        yield cluster


@pytest.fixture
def settings(dask: DaskCluster) -> Settings:
    return load_settings(worker={"executor": dask.url})


@pytest.fixture
async def executor(settings: Settings) -> AsyncIterator[ClusterExecutor]:
    async with open_cluster(settings) as executor:
        yield executor


def has_begun(note: Path, times: int) -> bool:
    """Whether a child that minds the note was started so often."""
    return note.exists() and note.read_text() == "begun\n" * times


async def test_work_waits_for_the_first_worker(dask: DaskCluster, executor: ClusterExecutor) -> None:
    working = asyncio.create_task(Crew(executor).run(distant.double, 21))
    await asyncio.wait([working], timeout=0.5)
    assert not working.done()
    dask.hire()
    assert await working == 42


async def test_a_killed_worker_leaves_no_child_and_its_work_is_done_elsewhere(
    dask: DaskCluster, executor: ClusterExecutor, tmp_path: Path
) -> None:
    crew, note = Crew(executor), tmp_path / "note"
    working = asyncio.create_task(crew.run(distant.mind_a_child, note))
    [victim] = dask.hire()
    await until(note.exists)
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
        assert await asyncio.to_thread(worker.wait, 10) == 0
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
    await until(note.exists)
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
    await until(note.exists)
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
