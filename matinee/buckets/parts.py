"""The parts of an object that comes in parts. Pure: no I/O."""

from dataclasses import dataclass

SMALLEST_PART = 5 * 1024**2
"""In bytes, of all but the last (Amazon S3, "multipart upload limits")."""
MOST_PARTS = 400
"""What names them all fits into one small message; Amazon takes 10,000."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part: its number from 1 on, its size in bytes, its SHA-256 in Base64, and what the server calls its content.

    A server may not tell the SHA-256 of what it has.
    """

    number: int
    size: int
    sha256: str = ""
    etag: str = ""


def part_bytes(size: int, usual: int) -> int:
    """How large the parts of an object of so many bytes are: the usual size, if that makes not too many."""
    return max(SMALLEST_PART, usual, -(-size // MOST_PARTS))
