"""Which instance a command talks to, and by whose credential."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NoReturn

import httpx

import matinee
from matinee import instance
from matinee.bearer import Bearer
from matinee.cli.api import Answer, Api
from matinee.cli.state import Session, Sessions, state_directory
from matinee.errors import Unauthenticated
from matinee.settings import Settings

LEEWAY_SECONDS = 30
"""An access token that ends so soon is renewed before it is sent."""
OWN = "own"
"""In the place of its address: the instance in whose data directory a session is kept."""
AGENT = {"User-Agent": f"matinee/{matinee.__version__}"}

SignIn = Callable[[str], Answer]
"""Opens a session when there is none, for a reason in a sentence. Raises `Unauthenticated`."""


@contextmanager
def open_api(settings: Settings) -> Iterator[Api]:
    """The instance that the settings name, signed in. Raises `Unauthenticated`, `NotFound` or `Unavailable`.

    In this order: MATINEE_URL with MATINEE_TOKEN; MATINEE_URL with an earlier `matinee login`; the instance that runs
    on the data directory, as its administrator.
    """
    url = settings.url.rstrip("/") or instance.door(settings)
    with httpx.Client(trust_env=bool(settings.url), headers=AGENT) as client:
        yield Api(url, client, _credential(settings, Api(url, client)))


def _credential(settings: Settings, api: Api) -> Bearer:
    if settings.url and settings.token:
        return Bearer(settings.token)
    login = SavedLogin(api, Sessions(state_directory()), api.url) if settings.url else administrators(settings, api)
    return Bearer(login.token(), login.token)


def administrators(settings: Settings, api: Api) -> "SavedLogin":
    """The login of the administrator of a data directory, which all commands on it share."""
    sessions = Sessions(settings.run_directory)
    return SavedLogin(api, sessions, OWN, lambda _: _enter(settings, api))


def _enter(settings: Settings, api: Api) -> Answer:
    admin = instance.administrator(settings.data)
    try:
        return api.login(admin.email, admin.password)
    except Unauthenticated as error:
        raise Unauthenticated(
            f"the login in {settings.data / 'admin.json'} does not work any more: write the new password there, "
            f"or run `matinee login {api.url}` and set MATINEE_URL={api.url}"
        ) from error


def refuse(reason: str) -> NoReturn:
    """Open no session: it takes a person to do so."""
    raise Unauthenticated(reason)


class SavedLogin:
    """The access token of an earlier login, which commands share: so many of them are one session."""

    def __init__(
        self,
        api: Api,
        sessions: Sessions,
        name: str,
        sign_in: SignIn = refuse,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._sessions = sessions
        self._name = name
        self._sign_in = sign_in
        self._clock = clock

    def token(self, refused: str = "") -> str:
        """One that is still good and not the refused one: the saved one, or a fresh one in its place.

        Raises `Unauthenticated` when nobody is signed in any more.
        """
        with self._sessions.held():
            session = self._sessions.get(self._name)
            still_good = session and self._clock() < session.expires_at - LEEWAY_SECONDS
            if session and still_good and session.access_token != refused:
                return session.access_token
            # Ctrl-C reaches the main thread alone: a token that has been spent is replaced before the command ends.
            with ThreadPoolExecutor(1) as worker:
                return worker.submit(self._renew, session).result()

    def _renew(self, session: Session | None) -> str:
        renewed = Session.opened(self._opened(session), self._clock())
        self._sessions.put(self._name, renewed)
        return renewed.access_token

    def _opened(self, session: Session | None) -> Answer:
        url = self._api.url
        if session is None:
            return self._sign_in(f"nobody is signed in to {url}: run `matinee login` or set MATINEE_TOKEN")
        try:
            return self._api.refresh(session.refresh_token)
        except Unauthenticated:
            return self._sign_in(f"the session at {url} has ended: run `matinee login` again")
