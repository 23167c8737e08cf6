"""Who an access token is of."""

from control.accounts.keyring import Keyring
from control.callers import Caller
from control.database import Database, sessions
from matinee.errors import Unauthenticated
from matinee.tokens import ACCESS_AUDIENCE, ACCESS_TYPE


class Authentication:
    """Finds who an access token is of."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def __call__(self, access_token: str) -> Caller:
        """The person whose token it is, while the session in which it was given goes on. Raises `Unauthenticated`."""
        claims = self._keyring.verify(access_token, ACCESS_TYPE, ACCESS_AUDIENCE)
        session_id = str(claims.get("sid", ""))
        async with self._database.read() as connection:
            account = await sessions.account_of(connection, session_id)
        if account is None or account.account_id != claims.get("sub"):
            raise Unauthenticated("the session has ended; sign in again")
        return Caller(account.account_id, account.email, account.role, session_id)
