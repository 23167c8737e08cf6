"""What every executor does with what is submitted to it: threads of this process, and a Dask cluster."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor
from pathlib import Path

import pytest

from ingest.crew import Crew
from matinee.cluster.executor import open_cluster
from matinee.errors import Cancelled, SourceRefused
from matinee.executor import open_executor
from matinee.settings import load_settings
from tests import distant
from tests.distant import children
from tests.patience import until, wait_until, within
from tests.services.dask import DaskCluster, dask_cluster

pytestmark = pytest.mark.anyio

PLACES = 2


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A scheduler and two workers."""
    with dask_cluster(tmp_path_factory.mktemp("dask")) as cluster:
        cluster.hire(PLACES)
        wait_until(lambda: len(cluster.said("at the service of a Dask scheduler")) == PLACES)
        yield cluster


@pytest.fixture(params=["threads", "dask"])
async def executor(request: pytest.FixtureRequest) -> AsyncIterator[Executor]:
    if request.param == "threads":
        with open_executor(f"threads://{PLACES}") as executor:
            yield executor
    else:
        cluster: DaskCluster = request.getfixturevalue("dask")
        async with open_cluster(load_settings(worker={"executor": cluster.url})) as executor:
            yield executor


@pytest.fixture
def crew(executor: Executor) -> Crew:
    return Crew(executor)


async def test_work_gives_its_answer(crew: Crew) -> None:
    assert await crew.run(distant.double, 21) == 42


async def test_an_error_comes_as_it_was_raised(crew: Crew) -> None:
    with pytest.raises(SourceRefused, match="no film"):
        await crew.run(distant.refuse, "this is no film")


async def test_progress_is_heard_in_order(crew: Crew) -> None:
    heard = list[float]()
    await crew.run(distant.tell, [1.5, 2.5, 3.5], on_seconds=heard.append)
    await until(lambda: heard == [1.5, 2.5, 3.5])


async def test_as_many_work_at_once_as_there_are_places(crew: Crew, tmp_path: Path) -> None:
    most = await asyncio.gather(*(crew.run(distant.meet, tmp_path, number) for number in range(4)))
    assert max(most) == PLACES


async def test_a_crew_that_is_dismissed_has_ended_with_its_children(
    crew: Crew, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.crew.DISMISS_SECONDS", 60)  # so that it is not left behind
    note = tmp_path / "note"
    working = asyncio.create_task(crew.run(distant.mind_a_child, note))
    await until(note.exists)
    async with within(20):
        await crew.dismiss()
    assert children(note) == []
    with pytest.raises(Cancelled):
        await working


async def test_work_that_has_not_begun_is_dropped_when_its_crew_is_dismissed(crew: Crew, tmp_path: Path) -> None:
    notes = [tmp_path / str(number) for number in range(PLACES + 1)]
    working = [asyncio.create_task(crew.run(distant.mind_a_child, note)) for note in notes]
    await until(lambda: sum(note.exists() for note in notes) == PLACES)
    await crew.dismiss()
    ends = await asyncio.gather(*working, return_exceptions=True)
    assert all(isinstance(end, Cancelled | asyncio.CancelledError) for end in ends)
    assert sum(note.exists() for note in notes) == PLACES


async def test_an_executor_works_on_after_a_crew_was_dismissed(executor: Executor, tmp_path: Path) -> None:
    note = tmp_path / "note"
    dismissed = Crew(executor)
    working = asyncio.create_task(dismissed.run(distant.mind_a_child, note))
    await until(note.exists)
    await dismissed.dismiss()
    await asyncio.gather(working, return_exceptions=True)
    assert await Crew(executor).run(distant.double, 4) == 8
