"""The client of `matinee ingest`: sends a film, and goes on where it stopped, whoever was killed.

A large film goes straight to the bucket where the house offers that, and all others over tus through the edge.
"""

import unicodedata
from pathlib import Path

import httpx

from ingest.direct import ROOT, DirectClient, DirectSending, OutOfReach
from ingest.exchange import OnBytes, persist
from ingest.outgoing import Film, Note, Uploaded, measured, opened
from ingest.tus import TusClient, TusSending
from matinee.declaration import LONGEST_FILE_NAME
from matinee.errors import InvalidInput

TIMEOUT = httpx.Timeout(60, connect=10)
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
CONTROL = {"Cc", "Zl", "Zp"}
"""What Unicode calls control characters, and its line and paragraph separators."""


def upload(
    path: Path,
    *,
    url: str,
    auth: httpx.Auth,
    title: str,
    memory: Path,
    title_id: str = "",
    on_progress: OnBytes = lambda _: None,
    on_hashed: OnBytes = lambda _: None,
) -> Uploaded:
    """Send a film to the instance at `url`; continue an upload of the same bytes that was cut off.

    It becomes a title of its own, or a new version of the title `title_id`.

    `auth` signs the requests, and may have one sent again. `memory` is the folder in which unfinished uploads are
    remembered. `on_hashed` hears how many bytes have been hashed, which comes first, and `on_progress` how many have
    been sent; it may be called from several threads, by one at a time. Raises `InvalidInput` when the film or its title
    is refused, `Unauthenticated`, `PermissionDenied`, `NotFound` when somebody terminated the upload, and `Unavailable`
    when nothing has arrived for half a minute.
    """
    if any(unicodedata.category(char) in CONTROL for char in title):
        raise InvalidInput(f"the title {title!r} has control characters; give another with --title")
    # A proxy has no way to an instance on this machine.
    trust_env = httpx.URL(url).host not in LOOPBACK
    with (
        opened(path) as file,
        httpx.Client(base_url=url, auth=auth, timeout=TIMEOUT, trust_env=trust_env) as http,
        httpx.Client(timeout=TIMEOUT, trust_env=trust_env) as bucket,
    ):
        film = measured(file, on_hashed)
        if film.size == 0:
            raise InvalidInput(f"{path} is empty")
        note = Note(memory, url, title_id or title, film.sha256)
        name = readable(path.name)
        direct = DirectClient(http, bucket)
        if _goes_straight(direct, film, note):
            declared = {
                "file_name": name,
                "size_bytes": film.size,
                "sha256": film.sha256,
                "title_name": title,
                "title_id": title_id,
            }
            try:
                return DirectSending(direct, film, declared, note, on_progress).run()
            except OutOfReach:
                on_progress(0)  # so it goes through the edge, which reaches its bucket
        metadata = {"filename": name, "title": title, "sha256": film.sha256}
        metadata |= {"title_id": title_id} if title_id else {}
        return TusSending(TusClient(http), film, metadata, note, on_progress).run()


def readable(name: str) -> str:
    """A file name as an instance takes it: in one line, without control characters, and not too long."""
    return "".join(" " if unicodedata.category(char) in CONTROL else char for char in name)[:LONGEST_FILE_NAME]


def _goes_straight(client: DirectClient, film: Film, note: Note) -> bool:
    """Whether a film goes to the bucket: as it has begun to, or else if it is large enough."""
    if begun := note.read():
        return begun.startswith(ROOT)
    return 0 < persist(client.smallest) <= film.size
