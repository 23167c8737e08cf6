"""`python -m bench`: every table of docs/benchmarks.md, one after the other. Take a quiet machine."""

import os
import platform
import subprocess
import sys

BENCHMARKS = (
    "ladder",
    "cluster",
    "ranges",
    "slow_connections",
    "playlists",
    "asset_index",
    "uploads",
    "catalogue",
    "control",
    "revocation",
    "events",
    "kafka",
    "analytics",
    "recommendations",
)


def main() -> None:
    """Print the tables, each made by a process of its own."""
    cores = os.cpu_count()
    print(f"Python {platform.python_version()}, {cores} cores, {platform.system()} {platform.machine()}", flush=True)
    for name in BENCHMARKS:
        subprocess.run([sys.executable, "-m", f"bench.{name}"], check=True)


if __name__ == "__main__":
    main()
