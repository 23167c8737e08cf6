"""Uploads over loopback to a bucket of SeaweedFS, through the edge and past it: `python -m bench.direct_uploads [MIB]`.

`matinee ingest`'s own client sends a film both ways, in turn, to a whole `matinee up`; first without what it takes to
hash the film. What control and edge spend on it is the CPU time of their processes.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.table import show
from ingest.upload import upload
from matinee.bearer import Bearer
from tests.buckets import as_environment, new_bucket
from tests.services.s3 import s3
from tests.stack import Stack, running_stack

MIB = 1024**2
ROUNDS = 3
WAYS = {"through the edge (tus)": str(1024**4), "straight to the bucket": "1"}
"""From which size on films go straight there."""


@contextmanager
def house(folder: Path, direct_bytes: str) -> Iterator[Stack]:
    """A house on SeaweedFS, whose worker has nothing to do with it."""
    with s3(folder / "s3") as server:
        store = new_bucket(server).model_copy(update={"public_endpoint": server.endpoint})
        told = {name.removeprefix("MATINEE_"): value for name, value in as_environment(store).items()}
        told |= {"UPLOADS__DIRECT_BYTES": direct_bytes, "WORKER__POLL_SECONDS": "3600"}
        with running_stack(folder / "data", port=0, **told) as stack:
            yield stack


def cpu_seconds(stack: Stack) -> float:
    """What edge and control have spent so far."""
    ticks = 0
    for service in ("edge", "control"):
        fields = Path(f"/proc/{stack.children()[service]}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def rounds(stack: Stack, film: Path) -> Iterator[tuple[float, float]]:
    """Seconds that sending takes, and CPU seconds of edge and control."""
    credential = {"email": stack.email, "password": stack.password}
    with httpx.Client(trust_env=False) as client:
        token = client.post(f"{stack.url}/api/v1/auth:login", json=credential).json()["access_token"]
    for number in range(ROUNDS):
        spent, hashed_at = cpu_seconds(stack), 0.0

        def hashed(done: int) -> None:
            nonlocal hashed_at
            hashed_at = time.perf_counter()

        upload(film, url=stack.url, auth=Bearer(token), title=f"Film {number}", memory=film.parent, on_hashed=hashed)
        yield time.perf_counter() - hashed_at, cpu_seconds(stack) - spent


def main(mib: int) -> None:
    """Measure, and print the table."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="bench-direct-") as name:
        film = Path(name) / "film.mkv"
        with film.open("wb") as file:
            for _ in range(mib):
                file.write(os.urandom(MIB))
        for way, direct_bytes in WAYS.items():
            with house(Path(name) / direct_bytes, direct_bytes) as stack:
                seconds, spent = zip(*rounds(stack, film), strict=True)
            rows.append((way, f"{mib / statistics.median(seconds):.0f}", f"{statistics.median(spent):.2f}"))
    show(f"A film of {mib} MiB", ("way", "MiB/s", "CPU s of edge and control"), rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 512)
