"""Requests of a tus 1.0.0 client (https://tus.io/protocols/resumable-upload), and what their answers mean."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping

import httpx

from matinee.errors import MatineeError, NotFound, Unavailable, by_http

PIECE_BYTES = 256 * 1024

OnBytes = Callable[[int], None]


class TusClient:
    """The client of a tus server: requests with a token that is renewed, and answers, or errors for those that refuse.

    Raises `Unavailable` for what may be otherwise when the offset is asked for again, and of other refusals
    `Unauthenticated`, `PermissionDenied`, `NotFound` or `InvalidInput`.
    """

    def __init__(self, http: httpx.Client, token: str | Callable[[], str]) -> None:
        self._http = http
        self._fresh_token = token if callable(token) else lambda: token
        self._token = ""

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
        return self._request("PATCH", address, headers, lambda: _pieces(chunk, on_sent))

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: Callable[[], Iterator[bytes]] | None = None
    ) -> httpx.Response:
        self._token = self._token or self._fresh_token()
        answer = self._send(method, url, headers, body)
        if answer.status_code == 401:
            self._token = self._fresh_token()
            answer = self._send(method, url, headers, body)
        if not answer.is_success:
            raise _error(answer)
        return answer

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: Callable[[], Iterator[bytes]] | None
    ) -> httpx.Response:
        common = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {self._token}"}
        try:
            return self._http.request(method, url, headers={**headers, **common}, content=body and body())
        except httpx.TransportError as error:
            raise Unavailable(f"{self._http.base_url} cannot be reached ({error or type(error).__name__})") from error


def _metadata(values: Mapping[str, str]) -> str:
    return ",".join(f"{key} {b64encode(value.encode(errors='replace')).decode()}" for key, value in values.items())


def _pieces(chunk: bytes, on_sent: OnBytes) -> Iterator[bytes]:
    for start in range(0, len(chunk), PIECE_BYTES):
        piece = chunk[start : start + PIECE_BYTES]
        yield piece
        on_sent(start + len(piece))


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
