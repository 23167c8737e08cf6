"""Opaque tokens: random, given out once, and kept as their digest only."""

import hashlib
import secrets


def new_token() -> str:
    """A new token, of 256 random bits."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What we keep of a token: its SHA-256, in hex. It has nothing to guess, so that no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
