"""The keys of an OpenID provider: for how long they are believed, and when they are asked for again."""

from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from control.accounts.provider import METADATA_SECONDS, Person, Provider
from control.database.identities import Authorization
from matinee.errors import Unauthenticated
from matinee.settings import ProviderSettings
from tests.control_house import TurnedClock

pytestmark = pytest.mark.anyio

ISSUER = "https://login.example"
SETTINGS = ProviderSettings(provider="idp", display_name="The provider", issuer=ISSUER, client_id="matinee")
KEYS = tuple(ECKey.generate_key("P-256", {"kid": kid}) for kid in ("one", "two"))
BEGUN = Authorization("digest", "idp", "nonce", "verifier", 0.0)


class CannedProvider:
    """Publishes `keys`, and signs with `signer` what names the key only if it is `named`."""

    def __init__(self, clock: TurnedClock) -> None:
        self.clock = clock
        self.keys = [KEYS[0]]
        self.signer = KEYS[0]
        self.named = True

    async def get(self, url: str, *, bearer: str = "") -> dict[str, Any]:
        if url.endswith("/jwks"):
            return dict(KeySet([*self.keys]).as_dict(private=False))
        endpoints = {"authorization_endpoint": f"{ISSUER}/auth", "token_endpoint": f"{ISSUER}/token"}
        return {"issuer": ISSUER, **endpoints, "jwks_uri": f"{ISSUER}/jwks"}

    async def post(self, url: str, form: dict[str, str], auth: object) -> tuple[int, dict[str, Any]]:
        now = int(self.clock())
        claims = {"iss": ISSUER, "aud": "matinee", "sub": "ada", "nonce": "nonce", "iat": now, "exp": now + 60}
        header = {"alg": "ES256"} | ({"kid": self.signer.kid} if self.named else {})
        return 200, {"id_token": jwt.encode(header, claims, self.signer)}


@pytest.fixture
def canned() -> CannedProvider:
    return CannedProvider(TurnedClock())


@pytest.fixture
def provider(canned: CannedProvider) -> Provider:
    return Provider(SETTINGS, "https://films.example/sign-in/callback", canned, canned.clock)  # type: ignore[arg-type]


async def signed_in(provider: Provider) -> Person:
    return await provider.person("code", "", BEGUN)


async def test_a_key_that_is_published_no_more_signs_nobody_in_after_a_while(
    canned: CannedProvider, provider: Provider
) -> None:
    assert await signed_in(provider) == Person("ada", "")
    canned.keys = [KEYS[1]]
    canned.clock.turn(METADATA_SECONDS)
    with pytest.raises(Unauthenticated, match="does not verify"):
        await signed_in(provider)


async def test_a_provider_that_names_no_key_may_sign_with_another(canned: CannedProvider, provider: Provider) -> None:
    canned.named = False
    for key in KEYS:
        canned.keys, canned.signer = [key], key
        assert await signed_in(provider) == Person("ada", "")
