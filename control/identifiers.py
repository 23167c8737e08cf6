"""Identifiers of everything that control keeps.

26 characters of base32hex (RFC 4648, section 7, lower case, no padding), which sorts as the bytes do: 56 bits of time
in microseconds, then 72 random bits. So the order of ids is the order of creation, and nobody can guess one.
"""

import secrets
from base64 import b32hexdecode, b32hexencode

from matinee.tokens import Clock

RANDOM_BITS = 72
PADDING = "=" * 6


def new_id(clock: Clock) -> str:
    """A new identifier."""
    value = round(clock() * 1_000_000) << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
    return b32hexencode(value.to_bytes(16)).decode().rstrip("=").lower()


def made_at(identifier: str) -> float:
    """When an identifier was made, in Unix seconds."""
    value = int.from_bytes(b32hexdecode(identifier.upper() + PADDING))
    return (value >> RANDOM_BITS) / 1_000_000
