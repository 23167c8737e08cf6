"""Learning, in a process of its own: `python -m control.analytics.learning`, fed on standard input.

It takes all processors for a while, and memory by the square of the titles. So it stands back behind whoever serves,
it can be stopped at once, and where memory does not suffice it is the one that ends.
"""

import asyncio
import json
import os
import signal
import sys
from array import array
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence

import numpy as np

from control.analytics import affinity
from matinee.errors import MatineeError, ResourceExhausted

COMMAND = (sys.executable, "-m", "control.analytics.learning")
NICENESS = 10
OUT_OF_MEMORY = 3


async def learn(pairs: "array[int]", works: Sequence[str]) -> bytes:
    """What pairs of an account and one of these works teach, as the affinity is stored; both are numbers, in turn.

    Raises `ResourceExhausted` when there is too little memory, `MatineeError` when the process fails otherwise.
    """
    process = await asyncio.create_subprocess_exec(*COMMAND, stdin=PIPE, stdout=PIPE)
    try:
        data = await _fed(process, json.dumps(works).encode() + b"\n" + pairs.tobytes())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode in (OUT_OF_MEMORY, -signal.SIGKILL):
        raise ResourceExhausted(f"memory does not suffice for {len(works)} titles: lower recommendations.most_titles")
    if process.returncode:
        raise MatineeError(f"the process that learns {_end(process.returncode)}: see the log of control")
    return data


async def _fed(process: Process, data: bytes) -> bytes:
    """What a process says to this, once it has ended."""
    try:
        said, _ = await process.communicate(data)
    except RuntimeError:  # uvloop's own, for one that ended before it was fed, which asyncio passes over
        await process.wait()
        return b""
    return said


def _end(returncode: int) -> str:
    """How a process has ended."""
    return f"was ended by signal {-returncode}" if returncode < 0 else f"failed with exit status {returncode}"


def main() -> None:
    """Read a line of JSON with the works, and the pairs behind it; write what they teach."""
    os.nice(NICENESS)
    works = json.loads(sys.stdin.buffer.readline())
    pairs = np.frombuffer(sys.stdin.buffer.read(), dtype=np.int64)
    try:
        data = affinity.encode(affinity.learn(pairs, works))
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    sys.stdout.buffer.write(data)


if __name__ == "__main__":
    main()
