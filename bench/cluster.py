"""How encoding scales with the workers of a Dask cluster, beside threads of one process: `python -m bench.cluster`.

Scheduler and workers are processes of this machine, as operators start them; each worker encodes one piece at a time
with one thread. What is measured is the encoding of one film, from the plan to the last result in the store, and in it
every worker's fetching of the film, which threads have at hand; the connection to the cluster is there before. A round
has every side once. Each is told with the CPU time that it took: workers beyond the cores of the machine, or cores that
others use, show as cores that were not had.
"""

import asyncio
import hashlib
import logging
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import structlog

from bench.servers import taken_by_others
from bench.table import show
from ingest.crew import Crew
from ingest.encoders import ClusterEncoder, OwnEncoder
from ingest.encoding import Encoder, Encoding
from ingest.encoding_worker import Commission
from ingest.ffmpeg import Ffmpeg
from ingest.lease import Lease
from ingest.pieces import Pieces, pieces
from ingest.plan import plan
from ingest.probe import probe
from ingest.results import Results
from matinee import showreel
from matinee.cluster.executor import open_cluster
from matinee.executor import open_executor
from matinee.layout import part_key
from matinee.settings import LadderSettings, Settings, SourceSettings, load_settings
from matinee.storage.object_store import ObjectStore
from matinee.storage.opening import open_store
from protos.v1.jobs_pb2 import JobLease
from tests import distant
from tests.patience import wait_until
from tests.services.dask import DaskCluster, dask_cluster

CORES = os.cpu_count() or 1
COUNTS = tuple(count for count in (1, 2, 4, 8) if count <= max(4, CORES))
ROUNDS = 5
LADDER = LadderSettings(heights=(360, 234), segment_gops=1, span_segments=1)
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Film:
    """A film on this machine, and what is to be encoded of it."""

    path: Path
    sha256: str
    parts: Pieces


@dataclass(frozen=True)
class Run:
    """Seconds of one encoding, and CPU seconds of all that had a part in it."""

    wall: float
    cpu: float


Measure = Callable[[Path, Film, int], Run]


def main() -> None:
    """Print the table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    ffmpeg = Ffmpeg.from_settings(Settings().worker)
    sides: dict[str, Measure] = {"threads of one process": by_threads, "workers of one thread": by_workers}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        path = folder / "film.mp4"
        subprocess.run(showreel.command(ffmpeg.program, showreel.clips(), path), check=True)
        planned = plan(probe(path, SourceSettings()), LADDER)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        film = Film(path, sha256, pieces(planned, LADDER, sha256, ffmpeg.version()))
        others = taken_by_others()
        measured: dict[tuple[str, int], list[Run]] = {(side, count): [] for side in sides for count in COUNTS}
        for _ in range(ROUNDS):
            for (side, count), runs in measured.items():
                with tempfile.TemporaryDirectory(dir=folder) as place:
                    runs.append(sides[side](Path(place), film, count))
    for side in sides:
        show(
            f"A film of {float(planned.duration):.0f} s in {len(film.parts.spans)} spans, {CORES} cores",
            (side, "wall", "speed-up", "CPU", "cores had"),
            [row(count, measured[side, count], measured[side, COUNTS[0]]) for count in COUNTS],
        )
    print(f"\nOthers took {others:.0%} of the CPU before.")


def row(count: int, runs: list[Run], alone: list[Run]) -> tuple[str, ...]:
    """Medians of runs, against those of one alone."""
    wall, cpu = median(run.wall for run in runs), median(run.cpu for run in runs)
    speed_up = median(run.wall for run in alone) / wall
    return str(count), f"{wall:.1f} s", f"{speed_up:.2f}x", f"{cpu:.1f} s", f"{cpu / wall:.2f}"


def by_threads(folder: Path, film: Film, count: int) -> Run:
    """Encode the film once in this process, which has it at hand."""
    settings = settings_of(folder, f"threads://{count}")
    store = open_store(settings.store_url)
    with open_executor(settings.worker.executor) as executor:
        encoder = OwnEncoder(
            Crew(executor), Lease(JobLease(lease_seconds=600)), Results(store, "film"), settings.worker,
            film=film.path, folder=folder,
        )  # fmt: skip
        began = sum(os.times()[:4])
        wall = asyncio.run(encoded(store, encoder, film, folder))
        return Run(wall, sum(os.times()[:4]) - began)


def by_workers(folder: Path, film: Film, count: int) -> Run:
    """Encode the film once, on so many workers of a cluster of its own."""
    store = (folder / "store").as_uri()
    with dask_cluster(folder / "dask", MATINEE_STORE__URL=store, MATINEE_WORKER__NICE="0") as cluster:
        cluster.hire(count)
        wait_until(lambda: len(cluster.said("at the service of a Dask scheduler")) == count, reproach=cluster.log)
        began = cpu_seconds(cluster)
        wall = asyncio.run(encoded_by_cluster(settings_of(folder, cluster.url), film))
        return Run(wall, cpu_seconds(cluster) - began)


def settings_of(folder: Path, executor: str) -> Settings:
    """The settings of a worker whose data and store lie in a folder."""
    store = {"url": (folder / "store").as_uri()}
    return load_settings(data=folder, store=store, worker={"executor": executor, "nice": 0})


async def encoded_by_cluster(settings: Settings, film: Film) -> float:
    """Store the film, have a cluster encode it, and tell how many seconds that took."""
    store = open_store(settings.store_url)
    await store.put_file(part_key("film", 0), film.path)
    terms = JobLease(upload_id="film", size_bytes=film.path.stat().st_size)
    async with open_cluster(settings) as cluster:
        with open_executor("threads://1") as executor:
            crew = Crew(executor, cluster)
            await crew.run_apart(distant.double, 1)  # connects, as a worker that waits for a job is connected
            await Results(store, terms.upload_id).mark(terms.fencing_token)
            commission = Commission.of(terms, film.sha256, film.parts.ffmpeg_version, store.place)
            return await encoded(store, ClusterEncoder(crew, commission), film, settings.data)


async def encoded(store: ObjectStore, encoder: Encoder, film: Film, folder: Path) -> float:
    """Encode all pieces, and tell how many seconds it took."""
    began = time.perf_counter()
    await Encoding(Results(store, "film"), encoder, folder).finish(film.parts.longest_first, lambda part: None)
    return time.perf_counter() - began


def cpu_seconds(cluster: DaskCluster) -> float:
    """What all workers and the children that have ended took until now (proc(5), /proc/[pid]/stat)."""
    stats = [Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split() for worker in cluster.workers]
    return sum(int(ticks) for stat in stats for ticks in stat[11:15]) / TICKS


if __name__ == "__main__":
    main()
