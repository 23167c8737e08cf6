"""What callers may send: each check answers with the clean value or raises `InvalidInput` with a sentence."""

import math
import re
from collections.abc import Sequence
from unicodedata import normalize

from matinee.declaration import SHA256
from matinee.delivery import ASSET_ID
from matinee.errors import InvalidInput

LONGEST_EMAIL = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
SHORTEST_PASSWORD = 8  # NIST SP 800-63B, 5.1.1.2
LONGEST_PASSWORD = 1024
LONGEST_OPAQUE_TOKEN = 128

# RFC 5322, 3.2.3: dot-atoms, without specials, which headers take apart, or encoded words (RFC 2047), which they read.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[^\s@\"(),.:;<>\[\]\\]+"
_EMAIL = re.compile(rf"(?=.{{1,64}}@)(?!.*=\?){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_ID = re.compile(r"[0-9a-v]{26}")
_UPLOAD_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LANGUAGE = re.compile(r"[a-z]{3}")


def line(name: str, value: str, longest: int, *, needed: bool = True) -> str:
    """One line of text of at most `longest` characters, without blanks around it or control characters in it."""
    cleaned = value.strip()
    if needed and not cleaned:
        raise InvalidInput(f"{name} is missing")
    if len(cleaned) > longest:
        raise InvalidInput(f"{name} is longer than {longest} characters")
    if not cleaned.isprintable():
        raise InvalidInput(f"{name} contains a line break or another character that cannot be shown")
    return cleaned


def text(name: str, value: str, longest: int) -> str:
    """Text of at most `longest` characters, in which lines may break."""
    if len(value) > longest:
        raise InvalidInput(f"{name} is longer than {longest} characters")
    if not all(character.isprintable() or character in "\n\t" for character in value.replace("\r\n", "\n")):
        raise InvalidInput(f"{name} contains a character that cannot be shown")
    return value.replace("\r\n", "\n").strip()


def email(value: str) -> str:
    """An e-mail address in lower case."""
    address = value.strip()
    lower = address.lower()  # which may be longer
    if len(lower) > LONGEST_EMAIL or not address.isprintable() or not _EMAIL.fullmatch(address):
        raise InvalidInput("email is not an e-mail address")
    return lower


def password(value: str) -> str:
    """A password as it was given at sign-in, in the one form of its characters (NIST SP 800-63B, 5.1.1.2)."""
    if not value:
        raise InvalidInput("password is missing")
    if len(value) > LONGEST_PASSWORD:
        raise InvalidInput(f"password is longer than {LONGEST_PASSWORD} characters")
    return normalize("NFKC", value)


def new_password(value: str) -> str:
    """A password that somebody chooses."""
    chosen = password(value)
    if len(chosen) < SHORTEST_PASSWORD:
        raise InvalidInput(f"password is shorter than {SHORTEST_PASSWORD} characters")
    return chosen


def opaque_token(name: str, value: str, *, needed: bool = True) -> str:
    """A random token that we gave out."""
    if needed and not value:
        raise InvalidInput(f"{name} is missing")
    if len(value) > LONGEST_OPAQUE_TOKEN:
        raise InvalidInput(f"{name} is too long to be one of ours")
    return value


def identifier(name: str, value: str) -> str:
    """An id of ours (see `control.identifiers`)."""
    if not _ID.fullmatch(value):
        raise InvalidInput(f"{name} is not an id of this instance")
    return value


def asset_id(value: str) -> str:
    """The id of an asset."""
    if not ASSET_ID.fullmatch(value):
        raise InvalidInput("asset_id is not the id of an asset")
    return value


def upload_id(value: str) -> str:
    """The id of an upload, which names a prefix of objects."""
    if not _UPLOAD_ID.fullmatch(value):
        raise InvalidInput("upload_id must be 1 to 64 letters, digits, - or _")
    return value


def sha256(value: str) -> str:
    """A SHA-256 in hex, in lower case; or empty."""
    digest = value.lower()
    if digest and not SHA256.fullmatch(digest):
        raise InvalidInput("sha256 must be 64 hexadecimal digits")
    return digest


def size(name: str, value: int) -> int:
    """A number of bytes or pixels."""
    if value < 0:
        raise InvalidInput(f"{name} must not be negative")
    return value


def seconds(name: str, value: float) -> float:
    """A length of time."""
    if not (math.isfinite(value) and value >= 0):
        raise InvalidInput(f"{name} must be a number of seconds, 0 or more")
    return value


def languages(values: Sequence[str]) -> tuple[str, ...]:
    """ISO 639-2 codes, at most 100."""
    if len(values) > 100 or not all(_LANGUAGE.fullmatch(value) for value in values):
        raise InvalidInput("audio_languages must be at most 100 codes of three letters (ISO 639-2)")
    return tuple(values)
