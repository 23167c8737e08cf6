"""A client of the S3 server that has a bucket, for all but the bytes of objects. The only module that imports boto3."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from matinee.buckets.bucket import Bucket
from matinee.errors import InvalidInput, MatineeError, NotFound, PermissionDenied, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOT_IMPLEMENTED = 501


def connect(bucket: Bucket) -> "S3Client":
    """A client. Nothing is sent yet."""
    keys = bucket.keys
    return boto3.session.Session().client(
        "s3",
        region_name=bucket.region,
        endpoint_url=bucket.endpoint or None,
        aws_access_key_id=keys.access_key_id if keys else None,
        aws_secret_access_key=keys.secret_access_key if keys else None,
        aws_session_token=(keys.session_token or None) if keys else None,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if bucket.path_style else "virtual"},
            connect_timeout=bucket.timeout_seconds,
            read_timeout=bucket.timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": bucket.retries + 1},
            request_checksum_calculation="when_required",  # which every server understands
            response_checksum_validation="when_required",
        ),
    )


@contextmanager
def translated() -> Iterator[None]:
    """Raise as ours what the server refuses, with its own words, and what keeps us from it.

    Raises `NotFound`, `PermissionDenied`, `InvalidInput` and `Unavailable`.
    """
    try:
        yield
    except ClientError as error:
        raise _refusal(error) from error
    except NoCredentialsError as error:
        raise InvalidInput("there are no keys for the S3 server: set store.access_key_id and its secret") from error
    except BotoCoreError as error:
        raise Unavailable(f"the S3 server does not answer: {error}") from error


def _refusal(error: ClientError) -> MatineeError:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    words = f"the S3 server answers {code}: {error.response.get('Error', {}).get('Message', '').rstrip('.')}"
    if status == 404:
        return NotFound(words)
    if status == 403:
        return PermissionDenied(words)
    return Unavailable(words) if status >= 500 and status != NOT_IMPLEMENTED else InvalidInput(words)
