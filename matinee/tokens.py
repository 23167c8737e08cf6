"""Signed tokens: JSON Web Tokens under the rules of RFC 8725. The only module that imports PyJWT.

A key signs with ES256 and no other algorithm, whatever a token's header says; `kid` is only ever a dictionary key;
`typ` tells session tokens from delivery tokens, so that neither opens the other's door; `exp` and `nbf` have no leeway.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import ECAlgorithm

from matinee.errors import Expired, InvalidInput, Unauthenticated

ALGORITHM = "ES256"
ACCESS_TYPE = "at+jwt"  # RFC 9068
DELIVERY_TYPE = "delivery+jwt"
ACCESS_AUDIENCE = "matinee-api"
DELIVERY_AUDIENCE = "matinee-edge"
ISSUER = "matinee"
LONGEST_TOKEN = 4096

Clock = Callable[[], float]
Claims = dict[str, Any]


@dataclass(frozen=True)
class SigningKey:
    """A private ES256 key (P-256) and the `kid` under which its public half is published."""

    kid: str
    pem: str

    @classmethod
    def generate(cls, kid: str) -> "SigningKey":
        """Make a new key."""
        private = ec.generate_private_key(ec.SECP256R1())
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return cls(kid, pem.decode())

    def sign(self, kind: str, claims: Mapping[str, Any]) -> str:
        """Mint a token whose `typ` is `kind`."""
        return jwt.encode(dict(claims), self.pem, ALGORITHM, headers={"typ": kind, "kid": self.kid})

    def public_jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key (RFC 7517)."""
        private = load_pem_private_key(self.pem.encode(), password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise InvalidInput(f"the signing key {self.kid} is not an elliptic curve key")
        public = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "alg": ALGORITHM, "use": "sig"}


def jwks(keys: Iterable[SigningKey]) -> str:
    """The JSON Web Key Set of these keys."""
    return json.dumps({"keys": [key.public_jwk() for key in keys]}, separators=(",", ":"))


def key_id(token: str) -> str:
    """The `kid` that a token names; nothing vouches for it yet. Raises `Unauthenticated` for what is no token."""
    try:
        kid = jwt.get_unverified_header(token).get("kid") if len(token) <= LONGEST_TOKEN else None
    except jwt.InvalidTokenError as error:
        raise Unauthenticated("this is not a token") from error
    if not isinstance(kid, str):
        raise Unauthenticated("the token names no key")
    return kid


class KeySet:
    """Public keys by `kid`; verifies tokens."""

    def __init__(self, keys: Mapping[str, Any], clock: Clock = time.time) -> None:
        self._keys = dict(keys)
        self._clock = clock

    @classmethod
    def from_jwks(cls, text: str, clock: Clock = time.time) -> "KeySet":
        """Read a JSON Web Key Set; keys of another kind than ES256 are left out."""
        entries = json.loads(text)["keys"]
        usable = [entry for entry in entries if entry.get("alg") == ALGORITHM and entry.get("kty") == "EC"]
        return cls({entry["kid"]: jwt.PyJWK(entry).key for entry in usable}, clock)

    def __contains__(self, kid: str) -> bool:
        return kid in self._keys

    def verify(self, token: str, kind: str, audience: str) -> Claims:
        """The claims of a token of this `typ` for this audience.

        Raises `Expired` when its time is over, and `Unauthenticated` for anything else: forged, not yet valid, of
        another kind, issuer or audience.
        """
        if len(token) > LONGEST_TOKEN:
            raise Unauthenticated("the token is too long")
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(header["kid"]) if isinstance(header.get("kid"), str) else None
            if key is None:
                raise Unauthenticated("the token names no key of ours")
            if header.get("typ") != kind or "crit" in header:
                raise Unauthenticated("the token is of another kind")
            claims: Claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=audience,
                issuer=ISSUER,
                options={
                    "require": ["exp", "iss", "aud"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated("the token does not verify") from error
        self._check_times(claims)
        return claims

    def _check_times(self, claims: Claims) -> None:
        now = self._clock()
        expires, begins = claims["exp"], claims.get("nbf", 0)
        if any(isinstance(moment, bool) or not isinstance(moment, int | float) for moment in (expires, begins)):
            raise Unauthenticated("the token's times are not numbers")
        if now >= expires:
            raise Expired("the token has expired")
        if now < begins:
            raise Unauthenticated("the token is not valid yet")
