"""Page tokens of the catalogue: where the next page begins, and of which query it is one."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import TypeVar

from google.protobuf.message import Message

from matinee.errors import InvalidInput

LONGEST_TOKEN = 2_000
DIGEST_CHARACTERS = 12
LARGEST_INTEGER = 2**63
FOREIGN = "page_token does not come from an answer to this query"

Place = Sequence[str | int]
Made = TypeVar("Made")


def encode(request: Message, place: Place | None) -> str:
    """The token for the page of a query after a place; empty when there is none."""
    if place is None:
        return ""
    told = json.dumps([_digest(request), *place], ensure_ascii=False)
    return urlsafe_b64encode(told.encode()).decode().rstrip("=")


def decode(request: Message, token: str, make: Callable[..., Made]) -> Made:
    """What `make` makes of the place in a token. Raises `InvalidInput` for a token of anything but this query."""
    try:
        if len(token) > LONGEST_TOKEN:
            raise InvalidInput(FOREIGN)
        digest, *place = json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if digest != _digest(request) or not all(map(_is_plain, place)):
            raise InvalidInput(FOREIGN)
        return make(*place)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInput(FOREIGN) from error


def _digest(request: Message) -> str:
    """What tells a query from another one: all of it but where its page begins and how long that is."""
    query = type(request)()
    query.CopyFrom(request)
    for field in ("page_token", "page_size"):
        query.ClearField(field)
    return hashlib.sha256(query.SerializeToString(deterministic=True)).hexdigest()[:DIGEST_CHARACTERS]


def _is_plain(part: object) -> bool:
    if isinstance(part, str):
        return "\0" not in part and part.isprintable()
    return isinstance(part, int) and not isinstance(part, bool) and abs(part) < LARGEST_INTEGER
