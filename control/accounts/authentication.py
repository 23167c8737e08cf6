"""AuthService: sign-in, sessions and signing keys."""

import hashlib
import secrets

from typing_extensions import override

from control import inputs, messages
from control.accounts.attempts import Attempts
from control.accounts.keyring import Keyring
from control.accounts.passwords import Passwords
from control.callers import Caller, caller, client_address
from control.database import Connection, Database, accounts
from control.database.accounts import Account, RefreshToken
from control.identifiers import new_id
from matinee.errors import InvalidInput, Unauthenticated
from matinee.rpc import Context
from matinee.settings import TokenSettings
from matinee.tokens import ACCESS_AUDIENCE, ACCESS_TYPE, ISSUER, Clock
from protos.v1 import auth_pb2 as pb
from protos.v1.auth_pb2_grpc import AuthServiceServicer

LONGEST_REFRESH_TOKEN = 128


class Authentication:
    """Finds who an access token is of."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def __call__(self, access_token: str) -> Caller:
        """The person whose token it is, while the session in which it was given goes on. Raises `Unauthenticated`."""
        claims = self._keyring.verify(access_token, ACCESS_TYPE, ACCESS_AUDIENCE)
        async with self._database.read() as connection:
            account = await accounts.of_session(connection, str(claims.get("sid", "")))
        if account is None or account.account_id != claims.get("sub"):
            raise Unauthenticated("the session has ended; sign in again")
        return Caller(account.account_id, account.email, account.role)


class AuthService(AuthServiceServicer):
    """Access tokens live for minutes and are checked by their signature; refresh tokens are opaque and used once.

    A refresh token that is used twice was stolen, from the owner or by the one who comes now: the session ends.
    """

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        passwords: Passwords,
        authentication: Authentication,
        settings: TokenSettings,
        clock: Clock,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._passwords = passwords
        self._attempts = Attempts(clock)
        self._authentication = authentication
        self._access_seconds = settings.access_minutes * 60
        self._refresh_seconds = settings.refresh_days * 86_400
        self._clock = clock

    @override
    async def Login(self, request: pb.LoginRequest, context: Context) -> pb.LoginResponse:
        email, password = inputs.email(request.email), inputs.password(request.password)
        async with self._attempts.one(email, client_address()):
            account = await self._account(email, password)
        session_id = new_id(self._clock)
        async with self._database.write() as connection:
            await accounts.open_session(connection, session_id, account.account_id, self._clock())
            refresh_token = await self._give_refresh_token(connection, session_id)
        return pb.LoginResponse(
            access_token=self._access_token(account, session_id),
            refresh_token=refresh_token,
            expires_in=self._access_seconds,
        )

    @override
    async def Refresh(self, request: pb.RefreshRequest, context: Context) -> pb.RefreshResponse:
        async with self._database.write() as connection:
            token = await self._presented(connection, request.refresh_token)
            account = await accounts.of_session(connection, token.session_id)
            fresh = await self._traded(connection, token)
        if fresh is None or account is None:
            raise Unauthenticated("this refresh token was used before, so the session has been ended; sign in again")
        return pb.RefreshResponse(
            access_token=self._access_token(account, token.session_id),
            refresh_token=fresh,
            expires_in=self._access_seconds,
        )

    @override
    async def Logout(self, request: pb.LogoutRequest, context: Context) -> pb.LogoutResponse:
        async with self._database.write() as connection:
            token = await accounts.find_refresh_token(connection, _digest(request.refresh_token))
            if token is not None:
                await accounts.end_session(connection, token.session_id)
        return pb.LogoutResponse()

    @override
    async def GetAccount(self, request: pb.GetAccountRequest, context: Context) -> pb.GetAccountResponse:
        return pb.GetAccountResponse(account=messages.account(caller()))

    @override
    async def VerifyToken(self, request: pb.VerifyTokenRequest, context: Context) -> pb.VerifyTokenResponse:
        return pb.VerifyTokenResponse(account=messages.account(await self._authentication(request.access_token)))

    @override
    async def GetKeys(self, request: pb.GetKeysRequest, context: Context) -> pb.GetKeysResponse:
        return pb.GetKeysResponse(jwks=self._keyring.jwks)

    @override
    async def RotateKeys(self, request: pb.RotateKeysRequest, context: Context) -> pb.RotateKeysResponse:
        return pb.RotateKeysResponse(kid=await self._keyring.rotate())

    async def _account(self, email: str, password: str) -> Account:
        async with self._database.read() as connection:
            account = await accounts.by_email(connection, email)
        if not await self._passwords.matches(password, account.password_hash if account else None) or account is None:
            raise Unauthenticated("the e-mail address or the password is wrong")
        return account

    async def _presented(self, connection: Connection, refresh_token: str) -> RefreshToken:
        token = await accounts.find_refresh_token(connection, _digest(refresh_token))
        if token is None or token.expires_at <= self._clock():
            raise Unauthenticated("the session has ended; sign in again")
        return token

    async def _traded(self, connection: Connection, token: RefreshToken) -> str | None:
        """A new refresh token for this one; None when this one was used before, which ends the session."""
        if token.spent:
            await accounts.end_session(connection, token.session_id)
            return None
        await accounts.spend_refresh_token(connection, token.digest)
        return await self._give_refresh_token(connection, token.session_id)

    async def _give_refresh_token(self, connection: Connection, session_id: str) -> str:
        refresh_token = secrets.token_urlsafe(32)
        expires_at = self._clock() + self._refresh_seconds
        await accounts.add_refresh_token(connection, RefreshToken(_digest(refresh_token), session_id, expires_at))
        return refresh_token

    def _access_token(self, account: Account, session_id: str) -> str:
        now = self._clock()
        claims = {
            "iss": ISSUER,
            "aud": ACCESS_AUDIENCE,
            "sub": account.account_id,
            "role": account.role,
            "email": account.email,
            "sid": session_id,
            "iat": int(now),
            "exp": int(now) + self._access_seconds,
        }
        return self._keyring.signing_key().sign(ACCESS_TYPE, claims)


def _digest(refresh_token: str) -> str:
    if len(refresh_token) > LONGEST_REFRESH_TOKEN:
        raise InvalidInput("the refresh token is too long to be one of ours")
    return hashlib.sha256(refresh_token.encode()).hexdigest()
