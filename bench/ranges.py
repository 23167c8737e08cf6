"""Warm byte ranges with a token check, against nginx with secure_link: `python -m bench.ranges`.

Each server has core 0 for itself and wrk has core 1; nginx, edge, nginx, edge, …; medians. Ranges lie where they lie
in a film, and not on the borders of our blocks.
"""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.servers import edge, load, missing_tools, nginx, secure_link, store_title, taken_by_others
from bench.table import show

ROUNDS = 5
SIZES = {"64 KiB": 64 * 1024, "1 MiB": 1024**2, "4 MiB": 4 * 1024**2}
OFFSET = 123_456_789


def measure(urls: dict[str, str], size: int) -> dict[str, float]:
    """Requests per second of each server, in turns."""
    wanted = f"Range: bytes={OFFSET}-{OFFSET + size - 1}"
    rates: dict[str, list[float]] = {name: [] for name in urls}
    for _ in range(ROUNDS):
        for name, url in urls.items():
            rates[name].append(load(url, wanted).rate)
    return {name: median(each) for name, each in rates.items()}


def main() -> None:
    """Print the table."""
    if sentence := missing_tools():
        print(sentence)
        return
    rows = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx reads it as another user
        store_title(folder)
        with nginx(folder) as theirs, edge(folder) as ours:
            urls = {"nginx": secure_link(f"{theirs}/v1080.mp4"), "edge": f"{ours}/v1080.mp4"}
            for label, size in SIZES.items():
                others = f"{taken_by_others():.0%}"
                rate = measure(urls, size)
                ratio = f"{rate['edge'] / rate['nginx']:.2f}"
                rows.append((label, f"{rate['nginx']:,.0f}", f"{rate['edge']:,.0f}", ratio, others))
    header = ("range", "nginx", "edge", "ratio", "CPU that others took before")
    show("Warm byte ranges with token check, requests per second on one core", header, rows)


if __name__ == "__main__":
    main()
