"""How long it takes until no edge serves a session that was ended: three edges and two controls, as processes."""

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.table import show
from tests.databases import sqlite_url
from tests.fleet import Fleet, running_fleet
from tests.services.postgresql import postgresql

ROUNDS = 30


async def rounds(fleet: Fleet) -> list[float]:
    """Milliseconds from asking one edge to end a session until the last of all edges has refused it."""
    viewer, taken = await fleet.viewer(), []
    for number in range(ROUNDS):
        played = await fleet.served(viewer, number)
        began = time.perf_counter()
        await fleet.revoke(viewer, played, number + 1)
        taken.append(1000 * (time.perf_counter() - began))
    return taken


async def measure(name: str, folder: Path, database_url: str) -> list[list[str]]:
    """The rows of one database."""
    async with running_fleet(folder, controls=2, edges=3, DATABASE__URL=database_url) as fleet:
        found = {f"{name}, two controls": await rounds(fleet)}
        await fleet.end("control-1")
        found[f"{name}, one of them killed"] = await rounds(fleet)
    return [[label, f"{median(taken):.0f} ms", f"{max(taken):.0f} ms"] for label, taken in found.items()]


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="matinee-") as name, postgresql(Path(name, "postgresql")) as url:
        one, other = Path(tempfile.mkdtemp(dir=name)), Path(tempfile.mkdtemp(dir=name))
        rows = asyncio.run(measure("SQLite", one, sqlite_url(one / "matinee.db")))
        rows += asyncio.run(measure("PostgreSQL", other, url))
    show("Revocation at three edges", ["", "p50", f"worst of {ROUNDS}"], rows)


if __name__ == "__main__":
    main()
