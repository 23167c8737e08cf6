"""Ports for servers that must be told theirs before they listen."""

import socket
from contextlib import suppress
from itertools import count
from secrets import randbelow

FIRST, LAST = 10_000, 32_767
"""Below those that Linux gives to whoever asks for any: such a one cannot be gone until its server listens."""

_walk = count(randbelow(LAST - FIRST))


def free_port(host: str) -> int:
    """A port that nobody listens on: another one each time, and hardly one that another process is given meanwhile."""
    while True:
        port = FIRST + next(_walk) % (LAST - FIRST + 1)
        with suppress(OSError), socket.socket() as probe:
            probe.bind((host, port))
            return port
