"""Sessions: how they begin, go on and end, whichever way somebody signed in.

Access tokens live for minutes and are checked by their signature; refresh tokens are opaque and used once. A refresh
token that is used twice was stolen, from the owner or by the one who comes now: the session ends (RFC 9700, 4.14.2).

Tabs of a browser may use one at the same moment, though, and an answer may be lost on its way. So for GRACE_SECONDS the
same client is given the same successor again, while that is not used itself. There is one successor at any time: who
has stolen a token and comes in these seconds shares it with the owner, and the second of them to use it is found out.
"""

from dataclasses import dataclass, replace

from control.accounts.attempts import network
from control.accounts.devices import device_name
from control.accounts.keyring import Keyring
from control.accounts.opaque_tokens import digest, new_token, successor
from control.callers import client_address, user_agent
from control.database import Connection, announcements, outbox, sessions
from control.database.accounts import Account
from control.database.sessions import RefreshToken, Session
from control.identifiers import new_id
from control.playback.ending import SIGNED_OUT, end_of_login
from control.timestamps import timestamp
from matinee.errors import PermissionDenied, Unauthenticated
from matinee.settings import TokenSettings
from matinee.tokens import ACCESS_AUDIENCE, ACCESS_TYPE, ISSUER, Clock
from protos.v1.events_pb2 import UserAuthenticated

PASSWORD = "password"
GRACE_SECONDS = 10.0
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
        refresh_token = new_token()
        await self._add(connection, refresh_token, session.session_id)
        return self._tokens(account, session.session_id, refresh_token)

    async def renew(self, connection: Connection, refresh_token: str) -> Tokens | None:
        """New tokens for a refresh token; None when it was used before, which ends the session after the grace.

        Raises `Unauthenticated` when there is no such session any more.
        """
        token = await sessions.find_refresh_token(connection, digest(refresh_token))
        account = await sessions.account_of(connection, token.session_id) if token else None
        if token is None or account is None or token.expires_at <= self._clock():
            raise Unauthenticated("the session has ended; sign in again")
        if token.spent_at is None:
            token = replace(token, spent_at=self._clock(), spender=_client(), salt=new_token())
            await sessions.save_refresh_token(connection, token)
            await sessions.used(connection, token.session_id, self._clock())
            await self._add(connection, successor(refresh_token, token.salt), token.session_id)
        elif not await self._in_grace(connection, token, successor(refresh_token, token.salt)):
            await self._end(connection, token.session_id, account.account_id)
            return None
        return self._tokens(account, token.session_id, successor(refresh_token, token.salt))

    async def close(self, connection: Connection, refresh_token: str) -> None:
        """End the session that a refresh token is of, if there is one."""
        token = await sessions.find_refresh_token(connection, digest(refresh_token))
        account = await sessions.account_of(connection, token.session_id) if token else None
        if token and account:
            await self._end(connection, token.session_id, account.account_id)

    async def _end(self, connection: Connection, session_id: str, account_id: str) -> None:
        await sessions.end(connection, session_id)
        await end_of_login(connection, session_id, SIGNED_OUT, self._clock)
        await announcements.announce_account(connection, account_id, self._clock())

    async def _in_grace(self, connection: Connection, spent: RefreshToken, following: str) -> bool:
        """Whether a spent token comes again from the client that spent it, seconds later, its successor unused."""
        if spent.spender != _client() or self._clock() >= float(spent.spent_at or 0) + GRACE_SECONDS:
            return False
        found = await sessions.find_refresh_token(connection, digest(following))
        return found is not None and found.spent_at is None

    async def _add(self, connection: Connection, refresh_token: str, session_id: str) -> None:
        expires_at = self._clock() + self._refresh_seconds
        await sessions.add_refresh_token(connection, RefreshToken(digest(refresh_token), session_id, expires_at))

    def _tokens(self, account: Account, session_id: str, refresh_token: str) -> Tokens:
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


def _client() -> str:
    """Who calls, as far as can be told: the same network with the same program."""
    return digest(f"{network(client_address())} {user_agent()}")
