"""A healthy client's latency beside five hundred slow ones: `python -m bench.slow_connections`.

The edge has core 0 for itself and wrk has core 1; alone, beside heads without an end, beside slow readers, alone, …;
medians. A slow reader asks for a whole track and takes 16 KiB a second of it.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from bench.servers import Load, edge, load, missing_tools, store_title, taken_by_others
from bench.table import show

ROUNDS = 5
CROWD = 500
RANGE = "Range: bytes=123456789-123522324"
SETTLE_SECONDS = 2
"""Until the edge has seen them all come, or go."""
SIP_BYTES, SIP_SECONDS = 16 * 1024, 1.0
RECEIVED_BYTES = 64 * 1024
"""What the system keeps for a client that does not read: by itself it would take megabytes at once."""

Company = Callable[[str], AbstractContextManager[None]]


@contextmanager
def crowd(url: str, request: bytes) -> Iterator[list[socket.socket]]:
    """Clients that have sent this to the server of the URL."""
    address = urlsplit(url)
    with ExitStack() as stack:
        clients = []
        for _ in range(CROWD):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES)
            client.connect((address.hostname, address.port))
            client.sendall(request)
            clients.append(client)
        time.sleep(SETTLE_SECONDS)
        yield clients
    time.sleep(SETTLE_SECONDS)


@contextmanager
def slow_heads(url: str) -> Iterator[None]:
    """Clients whose request never ends."""
    with crowd(url, b"GET / HTTP/1.1\r\nHost: a\r\nX: "):
        yield


@contextmanager
def slow_readers(url: str) -> Iterator[None]:
    """Clients that take a whole track in sips."""
    request = f"GET {urlsplit(url).path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    enough = threading.Event()
    with crowd(url, request) as clients:
        for client in clients:
            client.recv(SIP_BYTES)  # the edge has begun with all of them

        def sip() -> None:
            while not enough.wait(SIP_SECONDS / CROWD):
                clients.append(clients.pop(0))
                clients[0].recv(SIP_BYTES)

        reading = threading.Thread(target=sip)
        reading.start()
        try:
            yield
        finally:
            enough.set()
            reading.join()


def nobody(url: str) -> AbstractContextManager[None]:
    """Nobody."""
    return nullcontext()


def main() -> None:
    """Print the table."""
    if sentence := missing_tools():
        print(sentence)
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        store_title(folder)
        with edge(folder) as address:
            url, others = f"{address}/v1080.mp4", f"{taken_by_others():.0%}"
            beside: dict[str, Company] = {
                "nobody": nobody,
                "500 heads without an end": slow_heads,
                "500 slow readers": slow_readers,
            }
            measured: dict[str, list[Load]] = {name: [] for name in beside}
            for _ in range(ROUNDS):
                for who, company in beside.items():
                    with company(url):
                        measured[who].append(load(url, RANGE, connections=4))
    _print(measured, others)


def _print(measured: dict[str, list[Load]], others: str) -> None:
    alone = median(each.p99 for each in measured["nobody"])
    rows = []
    for name, loads in measured.items():
        rate, p50, p99 = (median(getattr(each, field) for each in loads) for field in ("rate", "p50", "p99"))
        rows.append((name, f"{rate:,.0f}", f"{p50:.2f}", f"{p99:.2f}", f"{p99 / alone:.2f}x", others))
    header = ("beside", "requests per second", "p50 ms", "p99 ms", "p99 against alone", "CPU that others took before")
    show("A healthy client of 64 KiB ranges, 4 connections, beside slow ones", header, rows)


if __name__ == "__main__":
    main()
