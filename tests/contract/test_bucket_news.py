"""What a bucket tells of new objects, and how whoever listens hangs up."""

import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from select import select

import pytest
from pydantic import SecretStr

from matinee.buckets import notifications
from matinee.buckets.bucket import Bucket, bucket
from matinee.buckets.client import connect
from matinee.buckets.notifications import Notifications
from matinee.errors import InvalidInput, Unavailable
from matinee.settings import StoreSettings
from tests.buckets import new_store
from tests.patience import PATIENCE, wait_until
from tests.services.s3 import S3, s3


def test_a_server_that_says_nothing_at_all_may_hold_news_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "LISTEN_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        Notifications(server_at(silent), "incoming").wait()


def test_who_hears_no_more_of_a_bucket_in_which_nothing_happens_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(2) as threads:
        listening = Notifications(server_at(server), "incoming")
        serving, waiting = threads.submit(serve_signs_of_life, server), threads.submit(listening.wait)
        time.sleep(1)
        assert not waiting.done()
        listening.close()
        assert isinstance(waiting.exception(PATIENCE), Unavailable)
        serving.result(PATIENCE)


def test_who_hears_no_more_before_the_server_has_answered_hangs_up_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(2) as threads:
        listening = Notifications(server_at(server), "incoming")
        waiting = threads.submit(listening.wait)
        wait_until(lambda: select([server], [], [], 0)[0])  # asked, and not answered yet
        listening.close()
        serving = threads.submit(serve_signs_of_life, server)
        assert isinstance(waiting.exception(PATIENCE), Unavailable)
        serving.result(PATIENCE)


def server_at(listener: socket.socket) -> Bucket:
    return bucket(StoreSettings(
        url="s3://films", endpoint=f"http://127.0.0.1:{listener.getsockname()[1]}", region="us-east-1",
        access_key_id="matinee", secret_access_key=SecretStr("of the tests"),
    ))  # fmt: skip


def serve_signs_of_life(listener: socket.socket) -> None:
    """Answer like a MinIO in which nothing happens: with a space now and then, until the client leaves."""
    peer, _ = listener.accept()
    with peer, suppress(OSError):
        peer.recv(65_536)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            peer.sendall(b"1\r\n \r\n")
            time.sleep(0.1)


@pytest.mark.parametrize(("told", "listens"), [(0, 1.0), (1, PATIENCE)])
def test_who_hears_no_more_hangs_up_whether_something_was_told_or_not(
    bucket_of_minio: StoreSettings, monkeypatch: pytest.MonkeyPatch, told: int, listens: float
) -> None:
    monkeypatch.setattr(notifications, "LISTEN_SECONDS", listens)
    there, before = bucket(bucket_of_minio), connections()
    listening = Notifications(there, "incoming")
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(listening.wait)
        wait_until(lambda: len(connections() - before) == 1)
        with closing(connect(there)) as client:
            for _ in range(told):
                while not waiting.done():
                    client.put_object(Bucket=there.name, Key=there.key("incoming/film.mkv"), Body=b"a film")
        listening.close()
    waiting.exception(PATIENCE)  # it may have been broken off
    assert connections() <= before


def connections() -> set[str]:
    """The sockets over TCP that this process has open."""
    names = set[str]()
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # another thread has closed it meanwhile
            names.add(str(link.readlink()))
    inodes = {line.split()[9] for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]}
    return {name for name in names if name.removeprefix("socket:[").removesuffix("]") in inodes}


def test_seaweedfs_cannot_tell(s3_server: Callable[[str], S3]) -> None:
    with pytest.raises(InvalidInput, match="NotImplemented"):
        Notifications(bucket(new_store(s3_server("seaweedfs"))), "incoming").wait()


def test_nor_can_amazon() -> None:
    with pytest.raises(InvalidInput, match="Amazon"):
        Notifications(bucket(StoreSettings(url="s3://films")), "incoming").wait()


def test_a_server_that_dies_is_noticed(bucket_of_minio: StoreSettings, tmp_path: Path) -> None:
    with s3(tmp_path / "minio", "minio") as server:
        listening = Notifications(bucket(new_store(server)), "incoming")
        dying = threading.Timer(1, os.kill, (server.process, 9))
        dying.start()
        with pytest.raises(Unavailable, match="does not answer"):
            listen_for_ever(listening)
    dying.join()


def listen_for_ever(listening: Notifications) -> None:
    while True:
        listening.wait()
