"""Sessions: how they begin, go on and end, whichever way somebody signed in.

Access tokens live for minutes and are checked by their signature; refresh tokens are opaque and used once. A refresh
token that is used twice was stolen, from the owner or by the one who comes now: the session ends.
"""

from dataclasses import dataclass

from control.accounts.devices import device_name
from control.accounts.keyring import Keyring
from control.accounts.opaque_tokens import digest, new_token
from control.callers import client_address, user_agent
from control.database import Connection, outbox, sessions
from control.database.accounts import Account
from control.database.sessions import RefreshToken, Session
from control.identifiers import new_id
from control.messages import timestamp
from control.playback.ending import SIGNED_OUT, end_of_login
from matinee.errors import PermissionDenied, Unauthenticated
from matinee.settings import TokenSettings
from matinee.tokens import ACCESS_AUDIENCE, ACCESS_TYPE, ISSUER, Clock
from protos.v1.events_pb2 import UserAuthenticated

PASSWORD = "password"
LONGEST_ADDRESS = 64


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client holds of its session; the access token expires in so many seconds."""

    access_token: str
    refresh_token: str
    expires_in: int


class Sessions:
    """Opens sessions and gives their tokens, inside the caller's transaction."""

    def __init__(self, keyring: Keyring, settings: TokenSettings, clock: Clock) -> None:
        self._keyring = keyring
        self._access_seconds = settings.access_minutes * 60
        self._refresh_seconds = settings.refresh_days * 86_400
        self._clock = clock

    async def open(self, connection: Connection, account: Account, method: str = PASSWORD) -> Tokens:
        """Open a session for whoever calls, and record the event. Raises `PermissionDenied` for a disabled account."""
        if account.disabled:
            raise PermissionDenied("this account may not sign in any more; ask whoever runs this instance")
        now, device, address = self._clock(), device_name(user_agent()), client_address()[:LONGEST_ADDRESS]
        session = Session(new_id(self._clock), account.account_id, now, device, address, last_used_at=now)
        await sessions.add(connection, session)
        signed_in = UserAuthenticated(
            account_id=account.account_id,
            session_id=session.session_id,
            method=method,
            device=device,
            address=address,
            time=timestamp(now),
        )
        await outbox.record(connection, signed_in, self._clock)
        return await self._tokens(connection, account, session.session_id)

    async def renew(self, connection: Connection, refresh_token: str) -> Tokens | None:
        """New tokens for a refresh token; None when it was used before, which ends the session.

        Raises `Unauthenticated` when there is no such session any more.
        """
        token = await sessions.find_refresh_token(connection, digest(refresh_token))
        account = await sessions.account_of(connection, token.session_id) if token else None
        if token is None or account is None or token.expires_at <= self._clock():
            raise Unauthenticated("the session has ended; sign in again")
        if token.spent:
            await sessions.end(connection, token.session_id)
            await end_of_login(connection, token.session_id, SIGNED_OUT, self._clock)
            return None
        await sessions.spend_refresh_token(connection, token.digest)
        await sessions.used(connection, token.session_id, self._clock())
        return await self._tokens(connection, account, token.session_id)

    async def close(self, connection: Connection, refresh_token: str) -> None:
        """End the session that a refresh token is of, if there is one."""
        token = await sessions.find_refresh_token(connection, digest(refresh_token))
        if token is not None:
            await sessions.end(connection, token.session_id)
            await end_of_login(connection, token.session_id, SIGNED_OUT, self._clock)

    async def _tokens(self, connection: Connection, account: Account, session_id: str) -> Tokens:
        refresh_token = new_token()
        expires_at = self._clock() + self._refresh_seconds
        await sessions.add_refresh_token(connection, RefreshToken(digest(refresh_token), session_id, expires_at))
        return Tokens(self._access_token(account, session_id), refresh_token, self._access_seconds)

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
