"""IdentityService: sign-in at OpenID providers."""

from collections.abc import Iterable
from dataclasses import asdict

from typing_extensions import override

from control import inputs
from control.accounts.attempts import Rate, network
from control.accounts.opaque_tokens import digest, new_token
from control.accounts.provider import Person, Provider
from control.accounts.sessions import Sessions
from control.callers import client_address
from control.database import Connection, Database, accounts, identities
from control.database.accounts import Account
from control.database.identities import Authorization
from control.identifiers import new_id
from matinee.errors import NotFound, PermissionDenied, Unauthenticated
from matinee.rpc.server import Context
from matinee.tokens import Clock
from protos.v1 import identity_pb2 as pb
from protos.v1.identity_pb2_grpc import IdentityServiceServicer

STATE_SECONDS = 600.0
BEGUN_OF_ADDRESS = (30, 10.0)
"""So many sign-ins of one address may be begun one after the other, and then one in so many seconds."""
LONGEST_CODE = 4_096
LONGEST_ISSUER = 255


class IdentityService(IdentityServiceServicer):
    """An account is known by issuer and subject once it is linked, and linked by a verified e-mail address alone."""

    def __init__(
        self,
        *,
        database: Database,
        sessions: Sessions,
        providers: Iterable[Provider],
        clock: Clock,
        makes_accounts: bool,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._providers = {provider.settings.provider: provider for provider in providers}
        self._begun = Rate(*BEGUN_OF_ADDRESS, clock)
        self._clock = clock
        self._makes_accounts = makes_accounts

    @override
    async def ListProviders(self, request: pb.ListProvidersRequest, context: Context) -> pb.ListProvidersResponse:
        known = [provider.settings for provider in self._providers.values()]
        return pb.ListProvidersResponse(
            providers=[pb.Provider(provider=one.provider, display_name=one.display_name) for one in known]
        )

    @override
    async def BeginSignIn(self, request: pb.BeginSignInRequest, context: Context) -> pb.BeginSignInResponse:
        provider = self._provider(request.provider)
        self._begun.take(network(client_address()), "you have begun too many sign-ins")
        state, nonce, verifier = new_token(), new_token(), new_token()
        url = await provider.authorization_url(state, nonce, verifier)
        begun = Authorization(digest(state), request.provider, nonce, verifier, self._clock() + STATE_SECONDS)
        async with self._database.write() as connection:
            await identities.begin(connection, begun)
        return pb.BeginSignInResponse(authorization_url=url, state=state)

    @override
    async def CompleteSignIn(self, request: pb.CompleteSignInRequest, context: Context) -> pb.CompleteSignInResponse:
        state = inputs.opaque_token("state", request.state)
        code = inputs.line("code", request.code, LONGEST_CODE)
        iss = inputs.line("iss", request.iss, LONGEST_ISSUER, needed=False)
        async with self._database.write() as connection:
            begun = await identities.take(connection, digest(state), self._clock())
        if begun is None:
            raise Unauthenticated("this sign-in has expired or was completed already; begin again")
        provider = self._provider(begun.provider)
        person = await provider.person(code, iss, begun)
        async with self._database.write() as connection:
            account = await self._account(connection, provider, person)
            tokens = await self._sessions.open(connection, account, begun.provider)
        return pb.CompleteSignInResponse(**asdict(tokens))

    def _provider(self, name: str) -> Provider:
        if name not in self._providers:
            raise NotFound("there is no such sign-in provider")
        return self._providers[name]

    async def _account(self, connection: Connection, provider: Provider, person: Person) -> Account:
        issuer = provider.settings.issuer
        if linked := await identities.account_of(connection, issuer, person.subject):
            return linked
        if not person.email:
            name = provider.settings.display_name
            raise PermissionDenied(f"{name} has not verified your e-mail address; verify it there, then sign in again")
        email = inputs.email(person.email)
        await accounts.hold_address(connection, email)
        if linked := await identities.account_of(connection, issuer, person.subject):  # by who came at the same time
            return linked
        account = await accounts.by_email(connection, email, lock=True) or await self._made(connection, email)
        await identities.link(connection, issuer, person.subject, account.account_id, self._clock())
        return account

    async def _made(self, connection: Connection, email: str) -> Account:
        if not self._makes_accounts:
            raise PermissionDenied("accounts of this instance are made by whoever runs it")
        account = Account(new_id(self._clock), email, "", "viewer", self._clock())
        await accounts.add(connection, account)
        return account
