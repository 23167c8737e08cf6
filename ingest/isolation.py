"""Whether children are kept from the network, which not every kernel or container lets an ordinary process do."""

import sys
from pathlib import Path

from ingest.ffmpeg import Ffmpeg, Limits

NAMESPACE = Path("/proc/self/ns/net")
LIMITS = Limits(memory_bytes=4 * 1024**3, wall_seconds=20)


def is_offline() -> bool:
    """Whether a child on the leash has a network of its own, with nothing in it."""
    if sys.platform != "linux":
        return False
    script = f"import os; print(os.readlink({str(NAMESPACE)!r}))"
    child = Ffmpeg(sys.executable).run(["-I", "-S", "-c", script], LIMITS).data.decode().strip()
    return child != str(NAMESPACE.readlink())
