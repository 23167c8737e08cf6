"""The Range header of RFC 9110, section 14, and what of it we serve: one range of bytes.

    Range            = ranges-specifier                    section 14.2
    ranges-specifier = range-unit "=" range-set            section 14.1.1
    int-range        = first-pos "-" [ last-pos ]          section 14.1.2
    suffix-range     = "-" suffix-length                   section 14.1.2

A server may ignore the header (14.2). We do for several ranges, several headers, other units and nonsense: the answer
is then the whole file, which any client understands. A sound range beyond the end is 416 (15.5.17). Positions have at
most 18 digits and the header at most 64 characters, so no header takes long to read.
"""

import re
from dataclasses import dataclass

LONGEST_HEADER = 64
_ONE_RANGE = re.compile(rb"bytes=[ \t]*(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))[ \t]*", re.IGNORECASE)


class RangeNotSatisfiable(Exception):
    """The range begins at or after the end of the file, or is an empty suffix."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes from `start` to before `end`."""

    start: int
    end: int

    def content_range(self, size: int) -> bytes:
        """The value of Content-Range for a file of `size` bytes (section 14.4)."""
        return b"bytes %d-%d/%d" % (self.start, self.end - 1, size)


def parse_range(header: bytes, size: int) -> ByteRange | None:
    """The range that a header asks of a file of `size` bytes; None when the header is to be ignored.

    Raises `RangeNotSatisfiable`.
    """
    found = _ONE_RANGE.fullmatch(header) if len(header) <= LONGEST_HEADER else None
    if found is None:
        return None
    first, last, suffix = found.groups()
    if first is None:
        return _satisfiable(max(size - int(suffix), 0), size, size if int(suffix) else 0)
    if last is not None and int(last) < int(first):
        return None
    return _satisfiable(int(first), min(int(last) + 1, size) if last is not None else size, size)


def _satisfiable(start: int, end: int, size: int) -> ByteRange:
    if start >= min(end, size):
        raise RangeNotSatisfiable
    return ByteRange(start, end)
