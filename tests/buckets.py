"""Buckets on a real S3 server, each new and for one test alone."""

import secrets

from matinee.buckets.bucket import bucket
from matinee.buckets.setup import Arrangement, set_up
from matinee.settings import StoreSettings
from tests.services.s3 import S3

ARRANGEMENT = Arrangement("https://films.example", abandoned_days=3, passing="spans", passing_days=14)


def new_bucket(server: S3, prefix: str = "") -> StoreSettings:
    """The settings of a store in a bucket that was made just now."""
    settings = StoreSettings.model_validate({"url": f"s3://test-{secrets.token_hex(8)}/{prefix}", **server.settings})
    list(set_up(bucket(settings), ARRANGEMENT))
    return settings
