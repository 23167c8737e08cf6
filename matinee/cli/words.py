"""Refusals of the API in the words of the command line: what it calls `paid_until` was given as `--until`."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from matinee.errors import Conflict, InvalidInput, NotFound


@contextmanager
def spoken(words: Mapping[str, str]) -> Iterator[None]:
    """What is refused inside names the options and arguments in `words`, and not the fields that they stand for."""
    try:
        yield
    except (InvalidInput, NotFound, Conflict) as error:
        raise type(error)(_replaced(str(error), words), cause=error.cause) from error


def _replaced(sentence: str, words: Mapping[str, str]) -> str:
    fields = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    return re.sub(rf"\b(?:{fields})\b", lambda found: words[found[0]], sentence)
