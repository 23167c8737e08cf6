"""Which instance a command talks to, and by whose credential."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import httpx

from matinee import instance
from matinee.bearer import Bearer
from matinee.cli.api import Api, save_session, saved_sessions
from matinee.errors import Unauthenticated
from matinee.settings import Settings


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
    renew = partial(_of_session, api) if settings.url else partial(_of_administrator, settings, api)
    return Bearer(renew(""), renew)


def _of_session(api: Api, refused: str) -> str:
    saved = saved_sessions().get(api.url)
    if saved is None:
        raise Unauthenticated(f"nobody is signed in to {api.url}: run `matinee login` or set MATINEE_TOKEN")
    try:
        tokens = api.refresh(saved)
    except Unauthenticated as error:
        raise Unauthenticated(f"the session at {api.url} has ended: run `matinee login` again") from error
    save_session(api.url, tokens["refresh_token"])
    return str(tokens["access_token"])


def _of_administrator(settings: Settings, api: Api, refused: str) -> str:
    admin = instance.administrator(settings.data)
    return str(api.login(admin.email, admin.password)["access_token"])
