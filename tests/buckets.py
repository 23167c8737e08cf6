"""Stores in buckets on a real S3 server, each new and for one test alone."""

import secrets
from functools import cache

from matinee.buckets.bucket import bucket
from matinee.buckets.setup import Arrangement, set_up
from matinee.settings import StoreSettings
from tests.services.s3 import S3

ARRANGEMENT = Arrangement("https://films.example", abandoned_days=3, passing="spans", passing_days=14)


def new_bucket(server: S3, prefix: str = "") -> StoreSettings:
    """The settings of a store in a bucket that was made just now."""
    settings = store_at(server, f"s3://test-{secrets.token_hex(8)}/{prefix}")
    list(set_up(bucket(settings), ARRANGEMENT))
    return settings


def new_store(server: S3) -> StoreSettings:
    """The settings of an empty store, in a bucket that it shares with others of this run."""
    return store_at(server, f"{_shared(server)}/{secrets.token_hex(8)}")


def store_at(server: S3, url: str) -> StoreSettings:
    """The settings of a store on this server."""
    return StoreSettings.model_validate({"url": url, **server.settings})


@cache
def _shared(server: S3) -> str:
    return new_bucket(server).url.rstrip("/")


def as_environment(settings: StoreSettings) -> dict[str, str]:
    """What a service is told by, that shall use this store."""
    values = {name: str(value) for name, value in settings.model_dump().items()}
    values["secret_access_key"] = settings.secret_access_key.get_secret_value()
    return {f"MATINEE_STORE__{name.upper()}": value for name, value in values.items()}
