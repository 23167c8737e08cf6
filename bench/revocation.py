"""How long it takes until no edge serves a session that was ended: three edges and two controls, as processes."""

import asyncio
import tempfile
from pathlib import Path
from statistics import median

from bench.table import show
from tests.fleet import Fleet, running_fleet

ROUNDS = 30


async def rounds(fleet: Fleet) -> list[float]:
    """Milliseconds from asking one edge to end a session until the last of all edges has refused it."""
    viewer = await fleet.viewer()
    return [1000 * await fleet.revocation(viewer, number) for number in range(ROUNDS)]


async def measure() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        async with running_fleet(Path(folder), controls=2, edges=3) as fleet:
            found = {"two controls": await rounds(fleet)}
            await fleet.end("control-1")
            found["one of them killed"] = await rounds(fleet)
    rows = [[name, f"{median(taken):.0f} ms", f"{max(taken):.0f} ms"] for name, taken in found.items()]
    show("Revocation at three edges", ["", "p50", f"worst of {ROUNDS}"], rows)


if __name__ == "__main__":
    asyncio.run(measure())
