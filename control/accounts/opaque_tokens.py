"""Opaque tokens: random, given out once, and kept as their digest only."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode


def new_token() -> str:
    """A new token, of 256 random bits."""
    return secrets.token_urlsafe(32)


def successor(token: str, salt: str) -> str:
    """The token that follows another: for who has both, and for nobody who has only one of them."""
    return urlsafe_b64encode(hmac.digest(token.encode(), salt.encode(), "sha256")).decode().rstrip("=")


def digest(token: str) -> str:
    """What we keep of a token: its SHA-256, in hex. It has nothing to guess, so that no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
