"""Paging by key (AIP-158): a page token holds the id of the last thing on the page before."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from control.inputs import identifier
from matinee.errors import InvalidInput

DEFAULT_SIZE = 24
LARGEST_SIZE = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a caller asked for: things older than the id `before` (empty: from the newest), at most `size`."""

    before: str
    size: int

    @classmethod
    def read(cls, page_size: int, page_token: str) -> "PageRequest":
        """Check what came over the wire: sizes above LARGEST_SIZE are cut, 0 is the default. Raises `InvalidInput`."""
        return cls(_decoded(page_token), checked_size(page_size))

    @property
    def look_ahead(self) -> int:
        """How many things to fetch: one more than the page shows, to learn whether there is a next page."""
        return self.size + 1

    def cut(self, found: Sequence[T], key: Callable[[T], str]) -> "Page[T]":
        """The page, from what was fetched with `look_ahead`."""
        shown = found[: self.size]
        return Page(shown, _encoded(key(shown[-1])) if len(found) > self.size else "")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Things, and the token for the next page: empty on the last one."""

    items: Sequence[T]
    next_token: str


def checked_size(page_size: int) -> int:
    """How many things a page shows: LARGEST_SIZE at most, and by default DEFAULT_SIZE. Raises `InvalidInput`."""
    if page_size < 0:
        raise InvalidInput("page_size must not be negative")
    return min(page_size or DEFAULT_SIZE, LARGEST_SIZE)


def _encoded(last_id: str) -> str:
    return urlsafe_b64encode(last_id.encode()).decode().rstrip("=")


def _decoded(token: str) -> str:
    if not token:
        return ""
    try:
        last_id = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
        return identifier("page_token", last_id)
    except (ValueError, InvalidInput):
        raise InvalidInput("page_token does not come from an answer of this list") from None
