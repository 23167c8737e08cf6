"""The words of tus 1.0.0, the protocol of resumable uploads: headers and their grammar.

The specification is https://tus.io/protocols/resumable-upload. Pure: no I/O. What is given a bad header raises
`InvalidInput` with one sentence.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import PurePath

from matinee.declaration import LONGEST_FILE_NAME, LONGEST_TITLE, SHA256
from matinee.errors import InvalidInput

VERSION = "1.0.0"
EXTENSIONS = ("creation", "creation-with-upload", "expiration", "checksum", "termination")
CONTENT_TYPE = "application/offset+octet-stream"
CHECKSUM_MISMATCH = 460
DIGEST_BYTES = {"sha256": 32, "sha1": 20}  # sha1 is the one that the checksum extension requires

LONGEST_METADATA = 8192

REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Tus-Resumable",
    "Upload-Checksum",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "X-HTTP-Method-Override",
    "X-Requested-With",
)
ANSWER_HEADERS = (
    "Location",
    "Matinee-Job-Id",
    "Matinee-Title-Id",
    "Tus-Checksum-Algorithm",
    "Tus-Extension",
    "Tus-Max-Size",
    "Tus-Resumable",
    "Tus-Version",
    "Upload-Expires",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
)

_NUMBER = re.compile(r"[0-9]{1,16}")
_KEY = re.compile(r"[!-+\--~]{1,64}")  # visible ASCII without the comma
_ID = re.compile(r"[0-9a-v]{26}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Checksum:
    """What `Upload-Checksum` declares about the body of one request."""

    algorithm: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Film:
    """What `Upload-Metadata` says of the film; `sha256` is hex, or empty when it was not declared.

    `title_id` is the title that gets a new version; empty for a film that becomes a title of its own.
    """

    title: str
    filename: str
    sha256: str
    title_id: str = ""


def number(headers: Mapping[str, str], name: str) -> int:
    """A header that is a number of bytes. Raises `InvalidInput` when it is absent or anything else."""
    text = headers.get(name, "")
    if not _NUMBER.fullmatch(text):
        raise InvalidInput(f"{name} must be a number of bytes")
    return int(text)


def checksum(text: str) -> Checksum:
    """Read `Upload-Checksum`: an algorithm and a Base64 digest. Raises `InvalidInput`."""
    algorithm, _, encoded = text.partition(" ")
    if algorithm not in DIGEST_BYTES:
        raise InvalidInput(f"Upload-Checksum must use one of {', '.join(DIGEST_BYTES)}")
    digest = _base64(encoded, "Upload-Checksum")
    if len(digest) != DIGEST_BYTES[algorithm]:
        raise InvalidInput(f"Upload-Checksum has a digest that is not of the length of {algorithm}")
    return Checksum(algorithm, digest)


def metadata(text: str) -> dict[str, str]:
    """Read `Upload-Metadata`: pairs of a key and a Base64 value, which may be absent, with commas between.

    Raises `InvalidInput`, also for values that are not text or hold control characters.
    """
    if len(text) > LONGEST_METADATA:
        raise InvalidInput(f"Upload-Metadata is longer than {LONGEST_METADATA} characters")
    values: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else ():
        key, _, encoded = pair.strip().partition(" ")
        if not _KEY.fullmatch(key) or key in values:
            raise InvalidInput("Upload-Metadata has a key that is empty, malformed or there twice")
        values[key] = _text(_base64(encoded, "Upload-Metadata"), key)
    return values


def film(values: Mapping[str, str]) -> Film:
    """The film that metadata describe; without a title, the file's name without its suffix is the title.

    Raises `InvalidInput` when there is neither and no title to make a version of, when one is too long, or when
    `sha256` is no SHA-256.
    """
    filename = _shown(values.get("filename", ""))
    title = _shown(values.get("title", "")) or PurePath(filename).stem[:LONGEST_TITLE].strip()
    sha256 = values.get("sha256", "").lower()
    title_id = values.get("title_id", "")
    if not title and not title_id:
        raise InvalidInput("Upload-Metadata names neither a title nor a filename")
    if title_id and not _ID.fullmatch(title_id):
        raise InvalidInput("Upload-Metadata has a title_id that is not the id of a title")
    if len(title) > LONGEST_TITLE or len(filename) > LONGEST_FILE_NAME:
        raise InvalidInput(
            f"a title may have {LONGEST_TITLE} characters and a filename {LONGEST_FILE_NAME}; one of them is longer"
        )
    if sha256 and not SHA256.fullmatch(sha256):
        raise InvalidInput("Upload-Metadata has a sha256 that is not 64 hexadecimal digits")
    return Film(title, filename, sha256, title_id)


def http_date(moment: float) -> str:
    """Seconds since the epoch as `Upload-Expires` wants them (RFC 9110, 5.6.7)."""
    return format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)


def _shown(name: str) -> str:
    """A name as control takes it: spaces of every kind become plain ones, and what cannot be shown is left out."""
    return "".join(char if char.isprintable() else " " * char.isspace() for char in name).strip()


def _base64(text: str, header: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(f"{header} has a value that is not Base64") from error


def _text(value: bytes, key: str) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"Upload-Metadata has a value for {key} that is not UTF-8") from error
    if _CONTROL.search(text):
        raise InvalidInput(f"Upload-Metadata has control characters in the value for {key}")
    return text
