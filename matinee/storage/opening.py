"""Opens the object store that a setting names."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, S3Store

from matinee.buckets.bucket import Bucket, bucket
from matinee.errors import InvalidInput
from matinee.settings import StoreSettings
from matinee.storage.failures import reason
from matinee.storage.object_store import ObjectStore

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

FIRST_PAUSE = timedelta(milliseconds=100)
LONGEST_PAUSE = timedelta(seconds=5)


def open_store(url: str, settings: StoreSettings | None = None, *, create: bool = True) -> ObjectStore:
    """Open the store that a setting names: file:///path, s3://bucket/prefix or memory://.

    `settings` say how to reach a bucket. A folder that is not there is made, unless `create` is false; a bucket is
    the matter of `matinee.buckets.setup`. Raises `InvalidInput` for what cannot be opened.
    """
    if not url.startswith(("file://", "s3://", "memory://")):
        raise InvalidInput(f"store.url {url!r} is none of file://, s3:// and memory://")
    try:
        if url.startswith("file://"):
            return _open_folder(Path(unquote(urlsplit(url).path)), create=create)
        if url.startswith("s3://"):
            opened = bucket(settings or StoreSettings(), url)
            return ObjectStore(_open_bucket(opened), bucket=opened)
        return ObjectStore(MemoryStore())
    except (BaseError, OSError, ValueError) as error:
        raise InvalidInput(f"the object store {url} cannot be opened: {reason(error)}") from error


def _open_bucket(opened: Bucket) -> S3Store:
    config: S3Config = {
        "region": opened.region,
        "virtual_hosted_style_request": not opened.path_style,
        "checksum_algorithm": "SHA256",  # the server checks what arrives
    }
    if opened.endpoint:
        config["endpoint"] = opened.address
    if opened.keys:
        config["access_key_id"] = opened.keys.access_key_id
        config["secret_access_key"] = opened.keys.secret_access_key
        if opened.keys.session_token:
            config["session_token"] = opened.keys.session_token
    client: ClientConfig = {
        "timeout": timedelta(seconds=opened.timeout_seconds),
        "allow_http": opened.endpoint.startswith("http://"),
    }
    retries: RetryConfig = {
        "max_retries": opened.retries,
        "backoff": {"init_backoff": FIRST_PAUSE, "max_backoff": LONGEST_PAUSE},
    }
    return S3Store(opened.name, prefix=opened.prefix, config=config, client_options=client, retry_config=retries)


def _open_folder(folder: Path, *, create: bool) -> ObjectStore:
    if create:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    elif not folder.is_dir():
        raise InvalidInput(f"the object store's folder {folder} is not there")
    return ObjectStore(LocalStore(prefix=folder, automatic_cleanup=True), folder)
