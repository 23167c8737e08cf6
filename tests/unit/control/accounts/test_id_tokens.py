"""ID tokens: which are believed, and which are not."""

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from control.accounts.id_tokens import ALGORITHMS, LEEWAY_SECONDS, key_set, names_known_key, verified
from matinee.errors import Unauthenticated

NOW = float(int(time.time()))
KEY = ECKey.generate_key("P-256", {"kid": "one", "use": "sig"})
RSA = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
KEYS = key_set(dict(KeySet([KEY, RSA]).as_dict(private=False)))
CLAIMS = {"iss": "https://idp.example", "sub": "ada", "aud": "matinee", "exp": NOW + 60, "iat": NOW, "nonce": "n"}


def token(claims: dict[str, Any], key: Any = KEY, alg: str = "ES256", kid: str = "one") -> str:
    return jwt.encode({"alg": alg, "kid": kid}, claims, key, algorithms=[alg])


def believed(text: str) -> dict[str, Any]:
    return verified(text, KEYS, issuer="https://idp.example", client_id="matinee", nonce="n", now=NOW)


@pytest.mark.parametrize(("key", "alg", "kid"), [(KEY, "ES256", "one"), (RSA, "RS256", "two"), (RSA, "PS256", "two")])
def test_a_token_of_the_provider_for_us_is_believed(key: Any, alg: str, kid: str) -> None:
    assert believed(token(CLAIMS, key, alg, kid))["sub"] == "ada"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://other.example"},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": ["matinee", "another"]},
        {"aud": ["matinee", "another"], "azp": "another"},
        {"azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": NOW - LEEWAY_SECONDS - 1},
        {"exp": "never"},
        {"exp": None},
        {"iat": NOW + 10 * LEEWAY_SECONDS},
        {"nbf": NOW + 10 * LEEWAY_SECONDS},
        {"sub": ""},
        {"sub": 5},
        {"sub": "x" * 256},
    ],
)
def test_a_token_that_says_something_else_is_not(change: dict[str, Any]) -> None:
    claims = {name: value for name, value in (CLAIMS | change).items() if value is not None}
    with pytest.raises(Unauthenticated):
        believed(token(claims))


def test_a_token_for_several_is_believed_when_it_was_issued_to_us() -> None:
    assert believed(token(CLAIMS | {"aud": ["another", "matinee"], "azp": "matinee"}))


def test_a_token_of_another_key_under_the_same_name_is_not_believed() -> None:
    with pytest.raises(Unauthenticated):
        believed(token(CLAIMS, ECKey.generate_key("P-256", {"kid": "one"})))


def test_a_token_whose_claims_were_changed_is_not_believed() -> None:
    head, _, signature = token(CLAIMS).split(".")
    body = token(CLAIMS | {"sub": "admin"}).split(".")[1]
    with pytest.raises(Unauthenticated):
        believed(f"{head}.{body}.{signature}")


def test_a_shared_secret_or_no_signature_is_never_believed() -> None:
    secret = OctKey.import_key("a public client has no secret, and an attacker may know any of ours")
    with pytest.raises(Unauthenticated):
        believed(token(CLAIMS, secret, "HS256"))
    assert {"none", "HS256"}.isdisjoint(ALGORITHMS)
    for text in ("", "x", "..", f"eyJhbGciOiJub25lIn0.{token(CLAIMS).split('.')[1]}.", "x" * 100_000):
        with pytest.raises(Unauthenticated):
            believed(text)


def test_a_key_that_is_not_known_yet_is_noticed() -> None:
    assert names_known_key(token(CLAIMS), KEYS)
    assert not names_known_key(token(CLAIMS, kid="three"), KEYS)
    with pytest.raises(Unauthenticated):
        names_known_key("no token", KEYS)


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": [None]}, {"keys": [{"kty": "RSA"}]}])
def test_keys_that_cannot_be_read_are_refused(document: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        key_set(document)
