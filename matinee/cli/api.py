"""The REST API as the command line calls it: which instance, whose credential, and errors as our own."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from matinee import instance
from matinee.errors import MatineeError, Unauthenticated, Unavailable, by_http
from matinee.settings import Settings
from matinee.small_files import write_whole

TIMEOUT = 30.0
Answer = dict[str, Any]


class Api:
    """An instance's REST API with a credential. Every call raises the error that the instance answers with."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self.url = url
        self._client = client
        self._token = ""

    def call(self, method: str, path: str, body: Answer | None = None, **query: str | int) -> Answer:
        """Call a method, such as `call("POST", "/titles/1:play", {})`, and give its answer."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            answer = self._client.request(
                method, f"{self.url}/api/v1{path}", json=body, params=query or None, headers=headers, timeout=TIMEOUT
            )
        except httpx.TransportError as error:
            raise Unavailable(f"{self.url} cannot be reached: {error}") from error
        if not answer.is_success:
            raise _refusal(answer)
        try:
            return dict(answer.json())
        except ValueError as error:
            raise Unavailable(f"what answers at {self.url} is not Matinee: check MATINEE_URL") from error

    def pages(self, path: str, items: str) -> Iterator[Answer]:
        """Every item of a paged list (AIP-158)."""
        token = ""
        while True:
            page = self.call("GET", path, page_size=100, page_token=token)
            yield from page.get(items, [])
            token = page.get("next_page_token", "")
            if not token:
                return

    def use(self, token: str) -> None:
        """Send this access token from now on."""
        self._token = token

    def login(self, email: str, password: str) -> Answer:
        """Open a session and use it. Raises `Unauthenticated`."""
        tokens = self.call("POST", "/auth:login", {"email": email, "password": password})
        self.use(tokens["access_token"])
        return tokens

    def refresh(self, refresh_token: str) -> Answer:
        """Renew a session and use it. Raises `Unauthenticated`."""
        tokens = self.call("POST", "/auth:refresh", {"refresh_token": refresh_token})
        self.use(tokens["access_token"])
        return tokens


class Credential:
    """Fresh access tokens for long work, from what the settings name.

    In this order: MATINEE_URL with MATINEE_TOKEN; MATINEE_URL with an earlier `matinee login`; the instance that runs
    on the data directory, as its administrator.
    """

    def __init__(self, settings: Settings, api: Api) -> None:
        self._settings = settings
        self._api = api

    def fresh_token(self) -> str:
        """An access token that has just been made, where we can make one. Raises `Unauthenticated` or `Unavailable`."""
        settings = self._settings
        if settings.url and settings.token:
            self._api.use(settings.token)
            return settings.token
        if settings.url:
            return str(self._renewed()["access_token"])
        admin = instance.administrator(settings.data)
        return str(self._api.login(admin.email, admin.password)["access_token"])

    def _renewed(self) -> Answer:
        saved = saved_sessions().get(self._api.url)
        if saved is None:
            raise Unauthenticated(f"nobody is signed in to {self._api.url}: run `matinee login` or set MATINEE_TOKEN")
        try:
            tokens = self._api.refresh(saved)
        except Unauthenticated as error:
            raise Unauthenticated(f"the session at {self._api.url} has ended: run `matinee login` again") from error
        save_session(self._api.url, tokens["refresh_token"])
        return tokens


def open_api(settings: Settings) -> tuple[Api, Credential]:
    """The instance that the settings name, signed in."""
    url = settings.url.rstrip("/") or instance.door(settings)
    api = Api(url, httpx.Client(trust_env=bool(settings.url)))
    credential = Credential(settings, api)
    credential.fresh_token()
    return api, credential


def saved_sessions() -> dict[str, str]:
    """Refresh tokens of earlier logins, by instance."""
    try:
        return dict(json.loads(_sessions_file().read_text()))
    except (OSError, ValueError):
        return {}


def save_session(url: str, refresh_token: str) -> None:
    """Remember a session for later commands, readable by this user alone."""
    path = _sessions_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    sessions: Mapping[str, str] = {**saved_sessions(), url: refresh_token}
    write_whole(path, json.dumps(sessions))


def _sessions_file() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "matinee" / "sessions.json"


def _refusal(answer: httpx.Response) -> MatineeError:
    try:
        problem = answer.json()
        sentence = problem.get("detail") or problem.get("title") or ""
    except ValueError:
        sentence = ""
    return by_http(answer.status_code)(sentence or f"{answer.request.url.path} answered {answer.status_code}")
