"""Tokens under RFC 8725: every forgery is refused."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest

from matinee.errors import Unauthenticated
from matinee.tokens import ACCESS_AUDIENCE, ACCESS_TYPE, DELIVERY_TYPE, ISSUER, KeySet, SigningKey, jwks

NOW = 1_000_000.0
KEY = SigningKey.generate("k1")
OTHER = SigningKey.generate("k1")
KEYS = KeySet.from_jwks(jwks([KEY]), clock=lambda: NOW)


def claims(**changes: Any) -> dict[str, Any]:
    return {"iss": ISSUER, "aud": ACCESS_AUDIENCE, "exp": NOW + 60, "sub": "a1", **changes}


def verify(token: str) -> dict[str, Any]:
    return KEYS.verify(token, ACCESS_TYPE, ACCESS_AUDIENCE)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_good_token_gives_its_claims() -> None:
    assert verify(KEY.sign(ACCESS_TYPE, claims()))["sub"] == "a1"


def hmac_signed() -> str:
    """Signed with the one thing that everybody has: our public key."""
    signed = f"{part({'alg': 'HS256', 'typ': ACCESS_TYPE, 'kid': 'k1'})}.{part(claims())}"
    secret = json.dumps(KEY.public_jwk()).encode()
    signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


FORGERIES = {
    "no algorithm": f"{part({'alg': 'none', 'typ': ACCESS_TYPE, 'kid': 'k1'})}.{part(claims())}.",
    "public key as HMAC secret": hmac_signed(),
    "another key under our kid": OTHER.sign(ACCESS_TYPE, claims()),
    "unknown kid": SigningKey("k2", KEY.pem).sign(ACCESS_TYPE, claims()),
    "kid as a path": SigningKey("../../etc/passwd", KEY.pem).sign(ACCESS_TYPE, claims()),
    "delivery token": KEY.sign(DELIVERY_TYPE, claims()),
    "another audience": KEY.sign(ACCESS_TYPE, claims(aud="elsewhere")),
    "another issuer": KEY.sign(ACCESS_TYPE, claims(iss="elsewhere")),
    "no expiry": KEY.sign(ACCESS_TYPE, {"iss": ISSUER, "aud": ACCESS_AUDIENCE}),
    "expires now": KEY.sign(ACCESS_TYPE, claims(exp=NOW)),
    "not yet valid": KEY.sign(ACCESS_TYPE, claims(nbf=NOW + 1)),
    "expiry as text": f"{part({'alg': 'ES256', 'typ': ACCESS_TYPE, 'kid': 'k1'})}.{part(claims(exp='later'))}.AA",
    "critical header": jwt.encode(
        claims(), KEY.pem, "ES256", headers={"typ": ACCESS_TYPE, "kid": "k1", "crit": ["exp"]}
    ),
    "key of the sender's own": jwt.encode(
        claims(),
        OTHER.pem,
        "ES256",
        headers={"typ": ACCESS_TYPE, "kid": "k1", "jwk": OTHER.public_jwk(), "jku": "https://evil.example/jwks.json"},
    ),
    "kid as a list": f"{part({'alg': 'ES256', 'typ': ACCESS_TYPE, 'kid': ['k1']})}.{part(claims())}.AA",
    "no token at all": "rubbish",
    "empty": "",
    "very long": "a" * 100_000,
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_refused(name: str) -> None:
    with pytest.raises(Unauthenticated):
        verify(FORGERIES[name])


def test_a_key_of_another_algorithm_is_left_out_of_the_set() -> None:
    text = json.dumps({"keys": [{"kty": "oct", "kid": "k1", "alg": "HS256", "k": "c2VjcmV0"}]})
    assert "k1" not in KeySet.from_jwks(text)
