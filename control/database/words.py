"""Words as they are compared: without case and diacritics, whatever the database thinks of letters.

Texts are folded and cut into words here, both what is stored and what is asked for, so that every database finds the
same. Scripts that put no blanks between words (Han, Hiragana, Katakana) are cut into single characters.
"""

import re
import unicodedata
from collections.abc import Iterator

LONGEST_KEY = 200
LONGEST_WORD = 64
UNSPACED = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"

_WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")


def fold(text: str) -> str:
    """A text without case (Unicode, 3.13.3) and without the marks that NFKD sets apart."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", "".join(filter(_is_kept, decomposed)))


def label(text: str) -> str:
    """A genre, tag or language as it is found by: folded, with single blanks."""
    return " ".join(fold(text).split())[:LONGEST_KEY]


def sort_key(name: str) -> str:
    """What titles are ordered by when they are ordered by name: its words. Names without any come first."""
    return " ".join(words(name))[:LONGEST_KEY]


def words(text: str) -> list[str]:
    """The words of a text in their order."""
    return list(_cut(text))


def _cut(text: str) -> Iterator[str]:
    for found in _WORD.finditer(fold(text)):
        yield found[0][:LONGEST_WORD]


def _is_kept(character: str) -> bool:
    return not unicodedata.combining(character)
