"""The asset index of a title of two hours with eight tracks: its size, and how long it takes to read."""

from statistics import median
from timeit import repeat

from bench.table import show
from packager.index import AssetIndex
from tests.unit.packager.films import two_hours

ROUNDS = 25


def main() -> None:
    """Print the table."""
    encoded = two_hours().encode()
    milliseconds = 1000 * median(repeat(lambda: AssetIndex.decode(encoded), number=1, repeat=ROUNDS))
    row = ("two hours, eight tracks", f"{len(encoded) / 1000:.0f} kB", f"{milliseconds:.1f} ms")
    show("Asset index", ("", "size", "time to read"), [row])


if __name__ == "__main__":
    main()
