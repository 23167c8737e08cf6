"""One OpenID provider, found by discovery (OpenID Connect Discovery 1.0) when somebody first signs in there."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.discovery import get_well_known_url
from joserfc.jwk import KeySet

from control.accounts.fetching import Document, Fetching, required
from control.accounts.id_tokens import Claims, key_set, names_known_key, verified
from control.database.identities import Authorization
from matinee.errors import Unauthenticated, Unavailable
from matinee.settings import ProviderSettings
from matinee.tokens import Clock

METADATA_SECONDS = 3_600.0
"""For how long a provider is believed without being asked again, and so is a key that it may have taken back."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a provider has signed in. `email` is empty unless the provider has verified it."""

    subject: str
    email: str


class Provider:
    """Sends browsers to a provider, and asks it who came back."""

    def __init__(self, settings: ProviderSettings, redirect_uri: str, fetching: Fetching, clock: Clock) -> None:
        self.settings = settings
        self._redirect_uri = redirect_uri
        self._fetching = fetching
        self._clock = clock
        self._metadata: Document = {}
        self._metadata_until = 0.0
        self._keys: KeySet | None = None

    async def authorization_url(self, state: str, nonce: str, verifier: str) -> str:
        """Where to send a browser. Raises `Unavailable`."""
        metadata = await self._discovered()
        return str(
            prepare_grant_uri(
                required(metadata["authorization_endpoint"]),
                self.settings.client_id,
                "code",
                redirect_uri=self._redirect_uri,
                scope=list(self.settings.scopes),
                state=state,
                nonce=nonce,
                code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
            )
        )

    async def person(self, code: str, iss: str, begun: Authorization) -> Person:
        """Whom a code stands for. Raises `Unauthenticated`, or `Unavailable`."""
        metadata = await self._discovered()
        issuer = self.settings.issuer
        if (iss or metadata.get("authorization_response_iss_parameter_supported") is True) and iss != issuer:
            raise Unauthenticated("the answer comes from another sign-in provider; begin again")  # RFC 9207, 2.4
        tokens = await self._exchanged(metadata, code, begun.verifier)
        claims = await self._verified(str(tokens.get("id_token", "")), begun.nonce)
        if "email" not in claims and "userinfo_endpoint" in metadata:
            claims |= await self._told(metadata, str(tokens.get("access_token", "")), claims["sub"])
        email = claims.get("email")
        proven = claims.get("email_verified") is True and isinstance(email, str)
        return Person(claims["sub"], str(email) if proven else "")

    async def _discovered(self) -> Document:
        if self._clock() >= self._metadata_until:
            metadata = await self._fetching.get(get_well_known_url(self.settings.issuer, external=True))
            needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            if metadata.get("issuer") != self.settings.issuer or not all(
                isinstance(metadata.get(name), str) for name in needed
            ):
                raise Unavailable("the sign-in provider describes itself as another one than is set")
            self._metadata, self._metadata_until = metadata, self._clock() + METADATA_SECONDS
            self._keys = None
        return self._metadata

    async def _exchanged(self, metadata: Document, code: str, verifier: str) -> Document:
        """The tokens for a code (RFC 6749, 4.1.3; RFC 7636, 4.5)."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._redirect_uri}
        form |= {"code_verifier": verifier, "client_id": self.settings.client_id}
        secret, auth = self.settings.client_secret.get_secret_value(), None
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if secret and "client_secret_basic" in methods:
            auth = httpx.BasicAuth(quote(self.settings.client_id, safe=""), quote(secret, safe=""))  # RFC 6749, 2.3.1
        elif secret:
            form["client_secret"] = secret
        status, tokens = await self._fetching.post(metadata["token_endpoint"], form, auth)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise Unavailable(f"the sign-in provider answers {status}; try again later")
        if status != httpx.codes.OK:
            raise Unauthenticated("the sign-in provider does not accept this sign-in; begin again")
        return tokens

    async def _verified(self, id_token: str, nonce: str) -> Claims:
        if self._keys is None or not names_known_key(id_token, self._keys):
            self._keys = key_set(await self._fetching.get(self._metadata["jwks_uri"]))
        settings = self.settings
        return verified(
            id_token,
            self._keys,
            issuer=settings.issuer,
            client_id=settings.client_id,
            nonce=nonce,
            now=self._clock(),
        )

    async def _told(self, metadata: Document, access_token: str, subject: str) -> dict[str, Any]:
        """E-mail claims from the UserInfo endpoint, which must speak of the same person (OIDC Core, 5.3.2)."""
        told = await self._fetching.get(str(metadata["userinfo_endpoint"]), bearer=access_token)
        if told.get("sub") != subject:
            raise Unauthenticated("the sign-in provider speaks of somebody else; begin again")
        return {name: told[name] for name in ("email", "email_verified") if name in told}
