"""A client of tus 1.0.0 (https://tus.io/protocols/resumable-upload), which goes on where it stopped.

tuspy was considered, and is a client of the tests only: 1.1.0 waits for ever on an edge that hangs (its requests have
no timeout), connects anew for every chunk, retries refusals as it does lost connections, and hides the headers that
name the title and the job.
"""

from base64 import b64encode
from collections.abc import Mapping
from functools import partial

import httpx

from ingest.exchange import OnBytes, exchange, persist
from ingest.outgoing import Film, Note, Stretch, Uploaded
from matinee.errors import NotFound

CHUNK_BYTES = 8 * 1024**2
PASSING = {409, 423, 460}
"""What may be otherwise when the offset is asked for again."""


class TusClient:
    """Requests to a tus server; raises what `exchange` does."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def create(self, size: int, metadata: Mapping[str, str]) -> str:
        """Begin an upload; answer its address."""
        headers = {"Upload-Length": str(size), "Upload-Metadata": _metadata(metadata)}
        return self._request("POST", "/uploads", headers).headers["Location"]

    def head(self, address: str) -> httpx.Response:
        """Where an upload stands."""
        return self._request("HEAD", address, {})

    def patch(self, address: str, chunk: Stretch) -> httpx.Response:
        """Send a chunk."""
        headers = {
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(chunk.size),
            "Upload-Offset": str(chunk.offset),
            "Upload-Checksum": f"sha256 {chunk.sha256()}",
        }
        return self._request("PATCH", address, headers, chunk)

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: Stretch | None = None
    ) -> httpx.Response:
        spoken = {"Tus-Resumable": "1.0.0", **headers}
        return exchange(self._http, method, url, passing=PASSING, headers=spoken, content=body)


class TusSending:
    """One film on its way to the edge."""

    def __init__(
        self, client: TusClient, film: Film, metadata: Mapping[str, str], note: Note, on_progress: OnBytes
    ) -> None:
        self._client = client
        self._film = film
        self._metadata = metadata
        self._note = note
        self._on_progress = on_progress
        self._arrived = 0

    def run(self) -> Uploaded:
        """Attempt until all bytes have arrived; give up when several attempts in a row have brought none."""
        return persist(self._attempt, lambda: self._arrived)

    def _attempt(self) -> Uploaded:
        address, answer = self._begin()
        while (offset := int(answer.headers["Upload-Offset"])) < self._film.size:
            self._arrived = max(self._arrived, offset)
            size = min(CHUNK_BYTES, self._film.size - offset)
            answer = self._client.patch(address, Stretch(self._film, offset, size, partial(self._tell, offset)))
        self._note.remove()
        return Uploaded(answer.headers["Matinee-Title-Id"], answer.headers["Matinee-Job-Id"])

    def _tell(self, offset: int, sent: int) -> None:
        self._on_progress(offset + sent)

    def _begin(self) -> tuple[str, httpx.Response]:
        """The address of the upload and where it stands: the remembered one, or a new one."""
        if address := self._note.read():
            try:
                return address, self._client.head(address)
            except NotFound:
                self._note.remove()
        address = self._client.create(self._film.size, self._metadata)
        self._note.write(address)
        return address, self._client.head(address)


def _metadata(values: Mapping[str, str]) -> str:
    return ",".join(f"{key} {b64encode(value.encode(errors='replace')).decode()}" for key, value in values.items())
