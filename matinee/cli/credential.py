"""Which instance a command talks to, and by whose credential."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import httpx

from matinee import instance
from matinee.bearer import Bearer, Renew
from matinee.cli.api import Api
from matinee.cli.state import Session, Sessions, state_directory
from matinee.errors import Unauthenticated
from matinee.settings import Settings

LEEWAY_SECONDS = 30
"""An access token that ends so soon is renewed before it is sent."""


@contextmanager
def open_api(settings: Settings) -> Iterator[Api]:
    """The instance that the settings name, signed in. Raises `Unauthenticated`, `NotFound` or `Unavailable`.

    In this order: MATINEE_URL with MATINEE_TOKEN; MATINEE_URL with an earlier `matinee login`; the instance that runs
    on the data directory, as its administrator.
    """
    url = settings.url.rstrip("/") or instance.door(settings)
    with httpx.Client(trust_env=bool(settings.url)) as client:
        yield Api(url, client, _credential(settings, Api(url, client)))


def _credential(settings: Settings, api: Api) -> Bearer:
    if settings.url and settings.token:
        return Bearer(settings.token)
    renew: Renew
    if settings.url:
        renew = SavedLogin(api, Sessions(state_directory())).token
    else:
        renew = partial(administrators_token, settings, api)
    return Bearer(renew(""), renew)


def administrators_token(settings: Settings, api: Api, refused: str = "") -> str:
    """An access token of the administrator of the data directory.

    Raises `Unauthenticated` when the login that the first start left does not work any more.
    """
    admin = instance.administrator(settings.data)
    try:
        return str(api.login(admin.email, admin.password)["access_token"])
    except Unauthenticated as error:
        raise Unauthenticated(
            f"the login in {settings.data / 'admin.json'} does not work any more: write the new password there, "
            f"or run `matinee login {api.url}` and set MATINEE_URL={api.url}"
        ) from error


class SavedLogin:
    """The access token of an earlier `matinee login`, which all commands of a user share."""

    def __init__(self, api: Api, sessions: Sessions, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._sessions = sessions
        self._clock = clock

    def token(self, refused: str = "") -> str:
        """One that is still good and not the refused one: the saved one, or a fresh one in its place.

        Raises `Unauthenticated` when nobody is signed in any more.
        """
        url = self._api.url
        with self._sessions.held():
            session = self._sessions.get(url)
            if session is None:
                raise Unauthenticated(f"nobody is signed in to {url}: run `matinee login` or set MATINEE_TOKEN")
            if session.access_token != refused and self._clock() < session.expires_at - LEEWAY_SECONDS:
                return session.access_token
            # Ctrl-C reaches the main thread alone: a token that has been spent is replaced before the command ends.
            with ThreadPoolExecutor(1) as worker:
                return worker.submit(self._renew, session).result()

    def _renew(self, session: Session) -> str:
        url = self._api.url
        try:
            answer = self._api.refresh(session.refresh_token)
        except Unauthenticated as error:
            raise Unauthenticated(f"the session at {url} has ended: run `matinee login` again") from error
        renewed = Session.opened(answer, self._clock())
        self._sessions.put(url, renewed)
        return renewed.access_token
