"""Where a bucket is, and by what right we use it: the same for each library that speaks to it."""

import re
from configparser import ConfigParser, Error
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from matinee.errors import InvalidInput
from matinee.settings import StoreSettings

PROFILE = "default"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class Keys:
    """Who we are to an S3 server."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and what is before the key of every object of ours in it.

    Without an endpoint it is one of Amazon's; without keys the library looks for them where AWS tools do.
    """

    name: str
    prefix: str
    region: str
    endpoint: str
    keys: Keys | None
    path_style: bool
    timeout_seconds: float
    retries: int

    @property
    def address(self) -> str:
        """The endpoint as a library takes it that speaks to this bucket alone."""
        scheme, _, host = self.endpoint.partition("://")
        return self.endpoint if self.path_style or not host else f"{scheme}://{self.name}.{host}"

    @property
    def place(self) -> str:
        """What it is called in a sentence, without what is secret."""
        url = f"s3://{self.name}/{self.prefix}".rstrip("/")
        return f"{url} at {self.endpoint}" if self.endpoint else f"{url} in {self.region}"

    def key(self, path: str) -> str:
        """The whole key of what lies under `path` in the object store."""
        return f"{self.prefix}/{path}" if self.prefix else path


def bucket(settings: StoreSettings, url: str | None = None) -> Bucket:
    """The bucket that an s3:// address (that of the settings) names.

    Raises `InvalidInput` for what can be no bucket, and for credentials that cannot be used.
    """
    url = settings.url if url is None else url
    parts = urlsplit(url)
    if not _NAME.fullmatch(parts.netloc):
        raise InvalidInput(f"the object store {url} cannot be opened: a bucket is called by 3 to 63 letters and digits")
    return Bucket(
        name=parts.netloc,
        prefix=unquote(parts.path).strip("/"),
        region=settings.region,
        endpoint=settings.endpoint.rstrip("/"),
        keys=_keys(settings),
        path_style=settings.path_style,
        timeout_seconds=settings.timeout_seconds,
        retries=settings.retries,
    )


def _keys(settings: StoreSettings) -> Keys | None:
    secret = settings.secret_access_key.get_secret_value()
    if bool(settings.access_key_id) != bool(secret):
        raise InvalidInput("store.access_key_id and store.secret_access_key go together: set both, or none")
    if secret:
        return Keys(settings.access_key_id, secret)
    return _keys_in(Path(settings.credentials_file).expanduser()) if settings.credentials_file else None


def _keys_in(file: Path) -> Keys:
    """The keys of a credentials file. No error quotes from it: a file that is malformed may be all secret."""
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(file.read_text())
        profile = parser[PROFILE]
        return Keys(
            profile["aws_access_key_id"], profile["aws_secret_access_key"], profile.get("aws_session_token", "")
        )
    except OSError as error:
        raise InvalidInput(f"store.credentials_file {file} cannot be read: {error.strerror}") from error
    except (Error, KeyError, UnicodeDecodeError):
        wanted = f"[{PROFILE}] with aws_access_key_id and aws_secret_access_key"
        raise InvalidInput(f"store.credentials_file {file} has no {wanted}") from None
