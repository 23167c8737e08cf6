"""ID tokens: what a provider says of somebody (OpenID Connect Core 1.0, 3.1.3.7)."""

from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from matinee.errors import Unauthenticated

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures by a private key alone: neither none nor a shared secret."""
KINDS = {"RSA", "EC"}
LEEWAY_SECONDS = 60
LONGEST_ID_TOKEN = 16 * 1024

Claims = dict[str, Any]


def key_set(document: dict[str, Any]) -> KeySet:
    """The keys of a JWKS that may have signed an ID token. Raises `Unauthenticated`."""
    try:
        keys = [key for key in document["keys"] if key.get("kty") in KINDS and key.get("use", "sig") == "sig"]
        return KeySet.import_key_set({"keys": keys})
    except (JoseError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unauthenticated("the keys of the sign-in provider cannot be read") from error


def names_known_key(id_token: str, keys: KeySet) -> bool:
    """Whether the header of a token names one of these keys; a provider with one key need not name it (10.1)."""
    try:
        kid = jws.extract_compact(id_token.encode()).headers().get("kid")
    except (JoseError, ValueError) as error:
        raise Unauthenticated("the sign-in provider gave no ID token") from error
    return kid in {key.kid for key in keys}


def verified(id_token: str, keys: KeySet, *, issuer: str, client_id: str, nonce: str, now: float) -> Claims:
    """The claims of an ID token for us, of this issuer and sign-in. Raises `Unauthenticated` for any other."""
    if len(id_token) > LONGEST_ID_TOKEN:
        raise Unauthenticated("the ID token of the sign-in provider is too long")
    try:
        token = jwt.decode(id_token, keys, algorithms=ALGORITHMS)
        options = {
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": client_id},
            "sub": {"essential": True},
        }
        claims = CodeIDToken(token.claims, token.header, options, {"nonce": nonce, "client_id": client_id})
        claims.validate(int(now), LEEWAY_SECONDS)
        _check_parties(claims, client_id)
    except (JoseError, ValueError, TypeError) as error:
        raise Unauthenticated("the ID token of the sign-in provider does not verify; begin again") from error
    return dict(token.claims)


def _check_parties(claims: Claims, client_id: str) -> None:
    """A token for several audiences must say that it was issued to us (3.1.3.7, 4 and 5)."""
    audience = claims["aud"]
    if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != client_id:
        raise ValueError("azp")
    if not isinstance(claims["sub"], str) or len(claims["sub"]) > 255:
        raise ValueError("sub")
