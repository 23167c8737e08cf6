"""The REST API as the command line calls it, with errors as our own."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from matinee.errors import MatineeError, Unavailable, by_http

TIMEOUT = 30.0
QUIET_SECONDS = 45.0
"""Longest time without a byte in a stream; a comment comes every 15 seconds."""
POLL_SECONDS = 0.5
PATIENCE_SECONDS = 120.0
"""How long an instance may take to be started again."""
DATA = "data: "
NOBODY = httpx.Auth()
"""Signs nothing, for calls that need no sign-in."""
Answer = dict[str, Any]
"""A message of the API, as its JSON has it."""


class Api:
    """An instance's REST API; `auth` signs the calls. Every call raises the error that the instance answers with."""

    def __init__(self, url: str, client: httpx.Client, auth: httpx.Auth = NOBODY) -> None:
        self.url = url
        self.auth = auth
        self._client = client

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: str | int) -> Answer:
        """Call a method, such as `call("POST", "/titles/1:play", {})`, and give its answer."""
        return self._answer(method, path, json=body, params=query or None)

    def ask(self, path: str) -> Answer:
        """What there is at a path now, even while the instance is started again; for who asks again and again."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.call("GET", path)
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_SECONDS)

    def send(self, method: str, path: str, content: bytes) -> Answer:
        """Call a method that takes bytes as they are, such as a picture."""
        return self._answer(method, path, content=content, headers={"Content-Type": "application/octet-stream"})

    def _answer(self, method: str, path: str, **request: Any) -> Answer:
        url = f"{self.url}/api/v1{path}"
        with self._reached():
            answer = self._client.request(method, url, auth=self.auth, timeout=TIMEOUT, **request)
        if not answer.is_success:
            raise refusal(answer)
        try:
            return dict(answer.json())
        except ValueError as error:
            raise Unavailable(f"what answers at {self.url} is not Matinee: check MATINEE_URL") from error

    @contextmanager
    def following(self, path: str, **query: str | bool | Sequence[str]) -> Iterator[Iterator[Answer]]:
        """The messages of a method that streams (Server-Sent Events), until the stream ends."""
        url = f"{self.url}/api/v1{path}"
        with (
            self._reached(),
            self._client.stream("GET", url, params=query, auth=self.auth, timeout=QUIET_SECONDS) as answer,
        ):
            if not answer.is_success:
                answer.read()
                raise refusal(answer)
            lines = (line for line in answer.iter_lines() if line.startswith(DATA))
            yield (dict(json.loads(line.removeprefix(DATA))) for line in lines)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            raise Unavailable(f"{self.url} cannot be reached: {error}") from error

    def pages(self, path: str, items: str, **query: str | int) -> Iterator[Answer]:
        """Every item of a paged list (AIP-158) that meets a query."""
        token = ""
        while True:
            page = self.call("GET", path, None, **query, page_size=100, page_token=token)
            yield from page.get(items, [])
            token = page.get("next_page_token", "")
            if not token:
                return

    def login(self, email: str, password: str) -> Answer:
        """Open a session. Raises `Unauthenticated`."""
        return self.call("POST", "/auth:login", {"email": email, "password": password})

    def refresh(self, refresh_token: str) -> Answer:
        """Renew a session. Raises `Unauthenticated`."""
        return self.call("POST", "/auth:refresh", {"refresh_token": refresh_token})


def refusal(answer: httpx.Response) -> MatineeError:
    """The error that an answer stands for, with the sentence that it gives."""
    try:
        problem = answer.json()
        sentence = problem.get("detail") or problem.get("title") or ""
    except ValueError:
        sentence = ""
    return by_http(answer.status_code)(sentence or f"{answer.request.url.path} answered {answer.status_code}")
