"""Requests of a tus 1.0.0 client (https://tus.io/protocols/resumable-upload), and what their answers mean."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import httpx

from matinee.errors import MatineeError, NotFound, Unavailable, by_http

PIECE_BYTES = 256 * 1024

OnBytes = Callable[[int], None]


class TusClient:
    """The client of a tus server: requests, and answers, or errors for those that refuse.

    Raises `Unavailable` for what may be otherwise when the offset is asked for again, and of other refusals
    `Unauthenticated`, `PermissionDenied`, `NotFound` or `InvalidInput`.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def create(self, size: int, metadata: Mapping[str, str]) -> str:
        """Begin an upload; answer its address."""
        headers = {"Upload-Length": str(size), "Upload-Metadata": _metadata(metadata)}
        return self._request("POST", "/uploads", headers).headers["Location"]

    def head(self, address: str) -> httpx.Response:
        """Where an upload stands."""
        return self._request("HEAD", address, {})

    def patch(self, address: str, offset: int, chunk: bytes, on_sent: OnBytes) -> httpx.Response:
        """Send a chunk; `on_sent` hears how many bytes of it have gone."""
        headers = {
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(len(chunk)),
            "Upload-Offset": str(offset),
            "Upload-Checksum": f"sha256 {b64encode(hashlib.sha256(chunk).digest()).decode()}",
        }
        return self._request("PATCH", address, headers, Pieces(chunk, on_sent))

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: "Pieces | None" = None
    ) -> httpx.Response:
        try:
            answer = self._http.request(method, url, headers={"Tus-Resumable": "1.0.0", **headers}, content=body)
        except httpx.TransportError as error:
            raise Unavailable(f"{self._http.base_url} cannot be reached ({error or type(error).__name__})") from error
        if not answer.is_success:
            raise _error(answer)
        return answer


@dataclass(frozen=True)
class Pieces:
    """A chunk as a body that tells how much of it has gone; every time that it is sent begins at its start."""

    chunk: bytes
    on_sent: OnBytes

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self.chunk), PIECE_BYTES):
            piece = self.chunk[start : start + PIECE_BYTES]
            yield piece
            self.on_sent(start + len(piece))


def _metadata(values: Mapping[str, str]) -> str:
    return ",".join(f"{key} {b64encode(value.encode(errors='replace')).decode()}" for key, value in values.items())


def _error(answer: httpx.Response) -> MatineeError:
    status = answer.status_code
    passes = status >= 500 or status in {408, 409, 423, 425, 429, 460}
    kind = Unavailable if passes else NotFound if status == 410 else by_http(status)
    return kind(_detail(answer) or f"the server answered {status} to {answer.request.method}")


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return ""
