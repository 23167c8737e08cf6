"""Setting a bucket up: that it is there, what browsers may, what ends by itself, and that old versions are not kept.

Rules of others in the bucket are kept. Doing it twice changes nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matinee.buckets.bucket import Bucket
from matinee.buckets.client import connect, translated
from matinee.errors import InvalidInput, MatineeError, NotFound

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CORSRuleTypeDef, LifecycleRuleTypeDef

AMAZONS_FIRST_REGION = "us-east-1"
"""The one that must not be named when a bucket is made."""
MADE_BY_US = "matinee-"
"""How the ids of our rules begin; each replaces the one of its id."""
CORS_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What a bucket shall be.

    Browsers may upload from `origin`; uploads end after `abandoned_days` without their end, and what lies under
    `passing` after `passing_days`.
    """

    origin: str
    abandoned_days: int
    passing: str
    passing_days: int


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that was set up, or why it was not; `supported` is false where the server cannot do it."""

    name: str
    done: bool
    state: str
    supported: bool = True


def set_up(bucket: Bucket, wanted: Arrangement) -> Iterator[Measure]:
    """Set a bucket up; what the server does not support or allow is told, and the rest done.

    Raises `MatineeError` when there is no bucket and none can be made.
    """
    passing, abandoned = _passing(bucket, wanted), _abandoned(bucket, wanted)
    with closing(connect(bucket)) as client:
        with translated():
            yield Measure("bucket", True, _make(client, bucket))
        yield _taken("browser uploads", lambda: _allow_origin(client, bucket, wanted))
        yield _taken(f"old {wanted.passing}", lambda: _rule(client, bucket, passing, wanted.passing_days))
        yield _taken("abandoned uploads", lambda: _rule(client, bucket, abandoned, wanted.abandoned_days))
        yield _taken("versioning", lambda: _keep_no_versions(client, bucket))


def _taken(name: str, step: Callable[[], str]) -> Measure:
    try:
        with translated():
            return Measure(name, True, step())
    except InvalidInput as error:  # as some servers call what they do not know
        return Measure(name, False, f"not supported: {error}", supported=False)
    except MatineeError as error:
        return Measure(name, False, str(error))


def _make(client: "S3Client", bucket: Bucket) -> str:
    try:
        with translated():
            client.head_bucket(Bucket=bucket.name)
    except NotFound:
        if bucket.region == AMAZONS_FIRST_REGION:
            client.create_bucket(Bucket=bucket.name)
        else:
            place = {"LocationConstraint": bucket.region}
            client.create_bucket(Bucket=bucket.name, CreateBucketConfiguration=place)  # type: ignore[arg-type]
        return f"{bucket.name} was made"
    return f"{bucket.name} was there"


def _allow_origin(client: "S3Client", bucket: Bucket, wanted: Arrangement) -> str:
    ours: CORSRuleTypeDef = {
        "ID": f"{MADE_BY_US}uploads",
        "AllowedOrigins": [wanted.origin],
        "AllowedMethods": ["PUT"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": CORS_SECONDS,
    }
    rules = [rule for rule in _cors(client, bucket) if not _is_ours(rule, ours)]
    client.put_bucket_cors(Bucket=bucket.name, CORSConfiguration={"CORSRules": [*rules, ours]})
    return f"PUT from {wanted.origin}"


def _is_ours(rule: "CORSRuleTypeDef", ours: "CORSRuleTypeDef") -> bool:
    """Some servers forget the ids of rules: then it is ours if it allows the same."""
    if rule_id := rule.get("ID"):
        return rule_id == ours["ID"]
    return (rule["AllowedOrigins"], rule["AllowedMethods"]) == (ours["AllowedOrigins"], ours["AllowedMethods"])


def _cors(client: "S3Client", bucket: Bucket) -> "list[CORSRuleTypeDef]":
    try:
        with translated():
            return client.get_bucket_cors(Bucket=bucket.name)["CORSRules"]  # type: ignore[return-value]
    except NotFound:
        return []


def _passing(bucket: Bucket, wanted: Arrangement) -> "LifecycleRuleTypeDef":
    return {
        "ID": f"{MADE_BY_US}{wanted.passing}",
        "Status": "Enabled",
        "Filter": {"Prefix": bucket.key(f"{wanted.passing}/")},
        "Expiration": {"Days": wanted.passing_days},
    }


def _abandoned(bucket: Bucket, wanted: Arrangement) -> "LifecycleRuleTypeDef":
    return {
        "ID": f"{MADE_BY_US}abandoned-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": bucket.key("")},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": wanted.abandoned_days},
    }


def _rule(client: "S3Client", bucket: Bucket, ours: "LifecycleRuleTypeDef", days: int) -> str:
    rules = [*(rule for rule in _rules(client, bucket) if rule.get("ID") != ours["ID"]), ours]
    client.put_bucket_lifecycle_configuration(Bucket=bucket.name, LifecycleConfiguration={"Rules": rules})
    return f"end after {days} days"


def _rules(client: "S3Client", bucket: Bucket) -> "list[LifecycleRuleTypeDef]":
    try:
        with translated():
            return client.get_bucket_lifecycle_configuration(Bucket=bucket.name)["Rules"]  # type: ignore[return-value]
    except NotFound:
        return []


def _keep_no_versions(client: "S3Client", bucket: Bucket) -> str:
    if client.get_bucket_versioning(Bucket=bucket.name).get("Status") != "Enabled":
        return "off"
    client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Suspended"})
    return "was on, and is suspended: versions that were kept before stay until they are removed"
