"""A client of uploads straight to the bucket: in parts, several at a time, of which none that arrived is sent again."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from threading import Event, Lock
from typing import Any

import httpx

from ingest.exchange import OnBytes, exchange, persist
from ingest.outgoing import Film, Note, Stretch, Uploaded
from matinee.errors import Cancelled, InvalidInput, MatineeError, NotFound, Unavailable

ROOT = "/api/v1/uploads"
PARTS_AT_ONCE = 4
CHECKSUM = "x-amz-checksum-sha256"
NOT_FOUND = 404


class OutOfReach(MatineeError):
    """The house is there, and its bucket is not to be reached from here."""


@dataclass(frozen=True, slots=True)
class SentPart:
    """A part that the bucket has: its number from 1 on, what it was answered, and the Base64 of its SHA-256."""

    number: int
    etag: str
    sha256: str


class DirectClient:
    """Requests to the house, by `http`, and to its bucket; raises what `exchange` does."""

    def __init__(self, http: httpx.Client, bucket: httpx.Client) -> None:
        self._http = http
        self._bucket = bucket

    def smallest(self) -> int:
        """From which size on a film may go straight to the bucket; 0 when none may."""
        try:
            return int(self._call("GET", f"{ROOT}:direct")["smallest_bytes"])
        except (NotFound, InvalidInput):  # as a house answers that knows nothing of it
            return 0

    def create(self, declared: Mapping[str, object]) -> str:
        """Begin an upload; answer its address."""
        return f"{ROOT}/{self._call('POST', ROOT, declared)['upload_id']}"

    def standing(self, address: str) -> dict[str, Any]:
        """Where an upload stands."""
        return self._call("GET", address)

    def sign(self, address: str, number: int, sha256: str) -> str:
        """Where a part goes."""
        return str(self._call("POST", f"{address}:sign", {"parts": [{"number": number, "sha256": sha256}]})["urls"][0])

    def put(self, url: str, body: Stretch, sha256: str) -> str:
        """Send a part; answer its ETag. Raises `OutOfReach` when there is no connection at all."""
        headers = {"Content-Length": str(body.size), CHECKSUM: sha256}
        try:
            answer = self._bucket.put(url, content=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise OutOfReach(f"the bucket at {httpx.URL(url).host} cannot be reached ({error})") from error
        except httpx.TransportError as error:
            raise Unavailable(f"the bucket was lost on the way ({error or type(error).__name__})") from error
        if answer.status_code == NOT_FOUND:
            raise NotFound("the upload was given up; the same command begins it again")
        if not answer.is_success:  # an address that has expired, or bytes that were damaged, can be sent again
            raise Unavailable(f"the bucket answered {answer.status_code} to a part")
        return str(answer.headers["ETag"])

    def complete(self, address: str, parts: list[SentPart]) -> Uploaded:
        """Have the parts joined."""
        named = [{"number": part.number, "etag": part.etag, "sha256": part.sha256} for part in parts]
        answer = self._call("POST", f"{address}:complete", {"parts": named})
        return Uploaded(answer["title_id"], answer["job_id"])

    def abort(self, address: str) -> None:
        """Give an upload up."""
        self._call("DELETE", address)

    def _call(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = exchange(self._http, method, url, json=body)
        try:
            return dict(answer.json())
        except ValueError as error:
            raise InvalidInput(f"what answers at {self._http.base_url} is not Matinee") from error


class DirectSending:
    """One film on its way to the bucket."""

    def __init__(
        self, client: DirectClient, film: Film, declared: Mapping[str, object], note: Note, on_progress: OnBytes
    ) -> None:
        self._client = client
        self._film = film
        self._declared = declared
        self._note = note
        self._on_progress = on_progress
        self._sent = dict[int, int]()
        self._lock = Lock()
        self._stopped = Event()
        self._reached = False

    def run(self) -> Uploaded:
        """Send all parts that have not arrived, and have them joined.

        Raises `OutOfReach`, and nothing is left of the upload then, when the bucket was never reached.
        """
        address, standing = persist(self._begin)
        if not standing["job_id"]:
            try:
                parts = self._send_all(address, int(standing["part_bytes"]), standing["parts"])
            except OutOfReach:
                self._client.abort(address)
                self._note.remove()
                raise
            uploaded = persist(lambda: self._client.complete(address, parts))
        else:
            uploaded = Uploaded(standing["title_id"], standing["job_id"])
        self._note.remove()
        return uploaded

    def _begin(self) -> tuple[str, dict[str, Any]]:
        """The address of the upload and where it stands: the remembered one, or a new one."""
        if address := self._note.read():
            try:
                return address, self._client.standing(address)
            except NotFound:
                self._note.remove()
        address = self._client.create(self._declared)
        self._note.write(address)
        return address, self._client.standing(address)

    def _send_all(self, address: str, part_bytes: int, arrived: list[dict[str, Any]]) -> list[SentPart]:
        there = {part["number"]: part for part in arrived}
        self._reached = bool(there)
        stretches = [
            Stretch(self._film, offset, min(part_bytes, self._film.size - offset), partial(self._tell, number))
            for number, offset in enumerate(range(0, self._film.size, part_bytes), start=1)
        ]
        with ThreadPoolExecutor(PARTS_AT_ONCE) as threads:
            sending = [
                threads.submit(self._send, address, number, stretch, there.get(number))
                for number, stretch in enumerate(stretches, start=1)
            ]
            try:
                for one in as_completed(sending):
                    one.result()
            except BaseException:
                self._stopped.set()
                threads.shutdown(wait=False, cancel_futures=True)
                raise
        return [one.result() for one in sending]

    def _send(self, address: str, number: int, stretch: Stretch, there: dict[str, Any] | None) -> SentPart:
        sha256 = stretch.sha256()
        if there and there["sha256"] in {"", sha256}:
            self._tell(number, stretch.size)
            return SentPart(number, there["etag"], sha256)

        def attempt() -> SentPart:
            self._check_stopped()
            etag = self._put(self._client.sign(address, number, sha256), stretch, sha256)
            return SentPart(number, etag, sha256)

        return persist(attempt)

    def _put(self, url: str, stretch: Stretch, sha256: str) -> str:
        try:
            etag = self._client.put(url, stretch, sha256)
        except OutOfReach as error:
            if self._reached:
                raise Unavailable(str(error)) from error
            raise
        self._reached = True
        return etag

    def _tell(self, number: int, sent: int) -> None:
        self._check_stopped()
        with self._lock:
            self._sent[number] = sent
            self._on_progress(sum(self._sent.values()))

    def _check_stopped(self) -> None:
        if self._stopped.is_set():
            raise Cancelled("the upload was stopped; the same command continues it")
