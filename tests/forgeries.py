"""Tokens that are none of ours, or not for the door at which they are shown: what RFC 8725 has seen in the field."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from control.database import signing_keys
from matinee.tokens import ALGORITHM, SigningKey
from tests.control_house import House

EVIL = "https://evil.example/jwks.json"
Changes = dict[str, Any]


@dataclass(frozen=True)
class Forger:
    """Knows a genuine token and the key that signs; the key only to make tokens that other houses might have signed."""

    key: SigningKey
    genuine: str

    @property
    def claims(self) -> Changes:
        """What the genuine token says."""
        return dict(jwt.decode(self.genuine, options={"verify_signature": False}))

    @property
    def header(self) -> Changes:
        """The header of the genuine token."""
        return {**jwt.get_unverified_header(self.genuine), "alg": ALGORITHM}

    def signed(self, key: SigningKey | None = None, header: Changes | None = None, **claims: Any) -> str:
        """The genuine token with changes, each signed; what is changed to None is left out."""
        said = {name: value for name, value in {**self.claims, **claims}.items() if value is not None}
        return _signed({**self.header, **(header or {})}, said, key or self.key)

    def unsigned(self, signature: str = "", **header: Any) -> str:
        """The claims of the genuine token under another header, with any text in place of a signature."""
        return f"{_part({**self.header, **header})}.{_part(self.claims)}.{signature}"

    def secretly_signed(self, secret: bytes, algorithm: str = "HS256") -> str:
        """Signed with what everybody knows, as if it were a shared secret."""
        head, body, _ = self.unsigned(alg=algorithm).split(".")
        digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}[algorithm]
        return f"{head}.{body}.{_base64(hmac.new(secret, f'{head}.{body}'.encode(), digest).digest())}"

    def public_pem(self) -> bytes:
        """The public half of the key."""
        private = load_pem_private_key(self.key.pem.encode(), password=None)
        return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def altered(self, part: int, **changes: Any) -> str:
        """The genuine token with another header (0) or other claims (1) under its own signature."""
        parts = self.genuine.split(".")
        parts[part] = _part({**(self.claims if part else self.header), **changes})
        return ".".join(parts)


def forgeries(key: SigningKey, genuine: str, other_kind: str) -> dict[str, str]:
    """Forged tokens by what is wrong with them; `other_kind` is a genuine token for another door."""
    forger, stranger = Forger(key, genuine), SigningKey.generate(key.kid)
    own_jwk, now = stranger.public_jwk(), forger.claims.get("iat", 0)
    head, body, signature = genuine.split(".")
    tampered = forger.altered(1, sub="a" * 26, role="admin", exp=2**31)
    return {
        "alg none": forger.unsigned(alg="none"),
        "alg None": forger.unsigned(alg="None"),
        "alg none, with a signature": forger.unsigned(signature, alg="none"),
        "alg left out": f"{_part({'typ': forger.header['typ'], 'kid': key.kid})}.{body}.{signature}",
        "HS256 by the public JWK": forger.secretly_signed(json.dumps(key.public_jwk()).encode()),
        "HS256 by the public PEM": forger.secretly_signed(forger.public_pem()),
        "HS512 by the public PEM": forger.secretly_signed(forger.public_pem(), "HS512"),
        "HS256 by nothing": forger.secretly_signed(b""),
        "RS256 by a key of the sender's own": _by_rsa(forger),
        "another key under our kid": forger.signed(stranger),
        "an unknown kid": forger.signed(SigningKey("no-such-key", key.pem), header={"kid": "no-such-key"}),
        "no kid": _signed({"alg": ALGORITHM, "typ": forger.header["typ"]}, forger.claims, key),
        "kid as a path": forger.signed(header={"kid": "../../../../dev/null"}),
        "kid as SQL": forger.signed(header={"kid": f"{key.kid}' OR '1'='1"}),
        "kid as a list": forger.unsigned(signature, kid=[key.kid]),
        "jwk in the header": forger.signed(stranger, {"jwk": own_jwk}),
        "jku in the header": forger.signed(stranger, {"jku": EVIL, "kid": "theirs"}),
        "x5u in the header": forger.signed(stranger, {"x5u": EVIL}),
        "x5c in the header": forger.signed(stranger, {"x5c": [own_jwk["x"]]}),
        "crit that nobody knows": forger.signed(header={"crit": ["b64"], "b64": False}),
        "expired": forger.signed(exp=now - 1),
        "expires as text": forger.signed(exp="2100-01-01"),
        "expires never": forger.signed(exp=None),
        "not yet valid": forger.signed(nbf=2**31),
        "another audience": forger.signed(aud="elsewhere"),
        "no audience": forger.signed(aud=None),
        "another issuer": forger.signed(iss="https://evil.example"),
        "no issuer": forger.signed(iss=None),
        "another typ": forger.signed(header={"typ": "JWT"}),
        "the typ of the other door": forger.signed(header={"typ": jwt.get_unverified_header(other_kind)["typ"]}),
        "a token for the other door": other_kind,
        "claims changed": tampered,
        "header changed": forger.altered(0, kid=key.kid, x=1),
        "signature cut off": f"{head}.{body}.",
        "signature cut short": genuine[:-8],
        "signature of zeros": f"{head}.{body}.{_base64(bytes(64))}",
        "signature of another token": f"{head}.{body}.{other_kind.split('.')[2]}",
        "signature twice": f"{head}.{body}.{signature}{signature}",
        "five parts": f"{genuine}.{body}.{signature}",
        "two parts": f"{head}.{body}",
        "no token": "rubbish",
        "dots": "..",
        "a long one": f"{head}.{'A' * 20_000}.{signature}",
    }


async def signing_key(house: House) -> SigningKey:
    """The key that signs in a house."""
    async with house.database() as database, database.read() as connection:
        key = (await signing_keys.every(connection))[-1]
    return SigningKey(key.kid, key.pem)


def _by_rsa(forger: Forger) -> str:
    key = rsa.generate_private_key(65537, 2048)
    return jwt.encode(forger.claims, key, "RS256", headers={**forger.header, "alg": "RS256"})


def _signed(header: Changes, claims: Changes, key: SigningKey) -> str:
    signing = f"{_part(header)}.{_part(claims)}"
    made = jwt.get_algorithm_by_name(ALGORITHM)
    return f"{signing}.{_base64(made.sign(signing.encode(), made.prepare_key(key.pem)))}"


def _part(value: object) -> str:
    return _base64(json.dumps(value).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
