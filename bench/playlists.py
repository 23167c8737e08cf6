"""Latency of the media playlist of a title of two hours (1,200 segments), warm: `python -m bench.playlists`.

One client that asks again as soon as it is answered, over one connection; the edge has core 0 and wrk core 1.
"""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.servers import Load, edge, load, missing_tools, store_title, taken_by_others
from bench.table import show

ROUNDS = 5
FORMS = {"plain": "Accept-Encoding: identity", "gzip": "Accept-Encoding: gzip"}


def main() -> None:
    """Print the table."""
    if sentence := missing_tools():
        print(sentence)
        return
    rows = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        store_title(folder)
        with edge(folder) as address:
            for label, header in FORMS.items():
                others = f"{taken_by_others():.0%}"
                found = [load(f"{address}/v1080.m3u8", header, connections=1, seconds=2) for _ in range(ROUNDS)]
                rows.append((label, *_figures(found), others))
    header_row = ("media playlist", "p50 ms", "p99 ms", "requests per second", "CPU that others took before")
    show("Media playlist of two hours, warm", header_row, rows)


def _figures(found: list[Load]) -> tuple[str, str, str]:
    p50, p99 = median(each.p50 for each in found), median(each.p99 for each in found)
    return f"{p50:.2f}", f"{p99:.2f}", f"{median(each.rate for each in found):,.0f}"


if __name__ == "__main__":
    main()
