"""Signing in by password, staying signed in, and signing out."""

from dataclasses import asdict

from control import inputs
from control.accounts.attempts import Attempts
from control.accounts.passwords import Passwords
from control.accounts.sessions import Sessions
from control.callers import client_address
from control.database import Database, accounts
from control.database.accounts import Account
from matinee.errors import Unauthenticated
from protos.v1 import auth_pb2 as pb

WRONG = "the e-mail address or the password is wrong"


class SignIn:
    """Sign-in by password. Neither its answers nor their time tell whether there is an account."""

    def __init__(self, database: Database, passwords: Passwords, attempts: Attempts, sessions: Sessions) -> None:
        self._database = database
        self._passwords = passwords
        self._attempts = attempts
        self._sessions = sessions

    async def login(self, request: pb.LoginRequest) -> pb.LoginResponse:
        """Open a session. Raises `Unauthenticated`, or `ResourceExhausted` after too many failures."""
        email, password = inputs.email(request.email), inputs.password(request.password)
        async with self._attempts.one(email, client_address()):
            account = await self._account(email, password)
        async with self._database.write() as connection:
            current = await accounts.find(connection, account.account_id, lock=True)
            if current is None or current.password_hash != account.password_hash:
                raise Unauthenticated(WRONG)
            tokens = await self._sessions.open(connection, current)
        return pb.LoginResponse(**asdict(tokens))

    async def refresh(self, request: pb.RefreshRequest) -> pb.RefreshResponse:
        """Trade a refresh token. Raises `Unauthenticated`; one that comes again ends its session."""
        refresh_token = inputs.opaque_token("refresh_token", request.refresh_token, needed=False)
        async with self._database.write() as connection:
            tokens = await self._sessions.renew(connection, refresh_token)
        if tokens is None:
            raise Unauthenticated("this refresh token was used before, so the session has been ended; sign in again")
        return pb.RefreshResponse(**asdict(tokens))

    async def logout(self, request: pb.LogoutRequest) -> pb.LogoutResponse:
        """End a session."""
        refresh_token = inputs.opaque_token("refresh_token", request.refresh_token, needed=False)
        async with self._database.write() as connection:
            await self._sessions.close(connection, refresh_token)
        return pb.LogoutResponse()

    async def _account(self, email: str, password: str) -> Account:
        async with self._database.read() as connection:
            account = await accounts.by_email(connection, email)
        if not await self._passwords.matches(password, account.password_hash if account else "") or account is None:
            raise Unauthenticated(WRONG)
        return account
