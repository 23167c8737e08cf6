"""How encoding scales with the workers of a Dask cluster: `python -m bench.cluster`.

Scheduler and workers are processes of this machine, as operators start them; each worker encodes one piece at a time
with one thread. What is measured is the encoding of one film, from the plan to the last result in the store, and in it
every worker's fetching of the film. Rounds go 1 2 4 1 2 4. Each side is told with the CPU time that its workers took:
workers beyond the cores of the machine, or cores that others use, show as cores that were not had.
"""

import asyncio
import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import structlog

from bench.servers import taken_by_others
from bench.table import show
from ingest.crew import Crew
from ingest.encoders import ClusterEncoder
from ingest.encoding import Encoding
from ingest.ffmpeg import Ffmpeg
from ingest.pieces import Pieces, pieces
from ingest.plan import plan
from ingest.probe import probe
from ingest.results import Results
from matinee import showreel
from matinee.cluster.executor import open_cluster
from matinee.executor import open_executor
from matinee.layout import part_key
from matinee.settings import LadderSettings, Settings, SourceSettings, load_settings
from matinee.storage import open_store
from protos.v1.jobs_pb2 import JobLease
from tests.patience import wait_until
from tests.services.dask import DaskCluster, dask_cluster

WORKERS = (1, 2, 4)
ROUNDS = 5
LADDER = LadderSettings(heights=(360, 234), segment_gops=1, span_segments=1)
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """Seconds of one encoding, and CPU seconds of all workers in it."""

    wall: float
    cpu: float


def main() -> None:
    """Print the table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    ffmpeg = Ffmpeg.from_settings(Settings().worker)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        film = folder / "film.mp4"
        subprocess.run(showreel.command(ffmpeg.program, showreel.clips(), film), check=True)
        planned = plan(probe(film, SourceSettings()), LADDER)
        sha256 = hashlib.sha256(film.read_bytes()).hexdigest()
        parts = pieces(planned, LADDER, sha256, ffmpeg.version())
        others = taken_by_others()
        measured: dict[int, list[Run]] = {count: [] for count in WORKERS}
        for number in range(ROUNDS):
            for count in WORKERS:
                measured[count].append(measure(folder / f"{number}-{count}", film, parts, sha256, count))
    length, spans = float(planned.duration), len(parts.spans)
    show(
        f"A film of {length:.0f} s in {spans} spans on a Dask cluster, {os.cpu_count()} cores",
        ("workers of one thread", "wall", "speed-up", "CPU", "cores had"),
        [row(count, measured) for count in WORKERS],
    )
    print(f"\nOthers took {others:.0%} of the CPU before.")


def row(count: int, measured: dict[int, list[Run]]) -> tuple[str, ...]:
    """Medians of the runs with so many workers."""
    wall, cpu = (median(values) for values in zip(*((run.wall, run.cpu) for run in measured[count]), strict=True))
    alone = median(run.wall for run in measured[1])
    return str(count), f"{wall:.1f} s", f"{alone / wall:.2f}x", f"{cpu:.1f} s", f"{cpu / wall:.2f}"


def measure(folder: Path, film: Path, parts: Pieces, sha256: str, count: int) -> Run:
    """Encode the film once, on so many workers of a cluster of its own."""
    store = (folder / "store").as_uri()
    with dask_cluster(folder / "dask", MATINEE_STORE__URL=store, MATINEE_WORKER__NICE="0") as cluster:
        cluster.hire(count)
        wait_until(lambda: len(cluster.said("at the service of a Dask scheduler")) == count, reproach=cluster.log)
        settings = load_settings(data=folder, store={"url": store}, worker={"executor": cluster.url})
        began = cpu_seconds(cluster)
        wall = asyncio.run(encoded(settings, film, parts, sha256))
        run = Run(wall, cpu_seconds(cluster) - began)
    shutil.rmtree(folder)
    return run


async def encoded(settings: Settings, film: Path, parts: Pieces, sha256: str) -> float:
    """Encode all pieces, and tell how many seconds it took."""
    store = open_store(settings.store_url)
    await store.put_file(part_key("film", 0), film)
    terms = JobLease(upload_id="film", size_bytes=(await store.head(part_key("film", 0))).size)
    async with open_cluster(settings) as cluster:
        with open_executor("threads://1") as executor:
            encoder = ClusterEncoder(Crew(executor, cluster), terms, sha256, parts.ffmpeg_version)
            began = time.perf_counter()
            await Encoding(Results(store, "film"), encoder, settings.data).finish(
                parts.longest_first, lambda part: None
            )
            return time.perf_counter() - began


def cpu_seconds(cluster: DaskCluster) -> float:
    """What all workers and the children that have ended took until now (proc(5), /proc/[pid]/stat)."""
    stats = [Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split() for worker in cluster.workers]
    return sum(int(ticks) for stat in stats for ticks in stat[11:15]) / TICKS


if __name__ == "__main__":
    main()
