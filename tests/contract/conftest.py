"""What seams are tested with on some machines only."""

from collections.abc import Callable

import pytest

from matinee.settings import StoreSettings
from tests.buckets import new_store
from tests.services.s3 import S3, servers


@pytest.fixture
def bucket_of_minio(s3_server: Callable[[str], S3]) -> StoreSettings:
    if "minio" not in servers():
        pytest.skip("MinIO is not on this machine: `make minio` builds it")
    return new_store(s3_server("minio"))
