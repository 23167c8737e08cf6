"""Tokens that go out by e-mail: to confirm an address, or to set a new password."""

from control.accounts.opaque_tokens import digest, new_token
from control.database import Connection, email_tokens
from control.database.email_tokens import EmailToken
from matinee.errors import PermissionDenied
from matinee.settings import AccountSettings
from matinee.tokens import Clock

CONFIRM = "confirm"
RESET = "reset"


class EmailTokens:
    """Issues tokens and takes them back, inside the caller's transaction."""

    def __init__(self, settings: AccountSettings, clock: Clock) -> None:
        self._confirmation_seconds = settings.confirmation_hours * 3_600
        self._reset_seconds = settings.reset_minutes * 60
        self._clock = clock

    async def confirmation(self, connection: Connection, email: str, password_hash: str) -> str:
        """A token that opens an account with this password, which another's registration does not take the place of."""
        token, expires_at = new_token(), self._clock() + self._confirmation_seconds
        issued = EmailToken(digest(token), CONFIRM, email, expires_at, password_hash=password_hash)
        await email_tokens.issue(connection, issued)
        return token

    async def reset(self, connection: Connection, email: str, account_id: str | None) -> tuple[str, float]:
        """A token that sets a new password of an account, and when it expires.

        Those that were given before stay good, until one is used: anybody may ask for another, and would end with it
        one that an operator has handed over. Where there is no account the same is done, and the token is good for
        nothing.
        """
        token, expires_at = new_token(), self._clock() + self._reset_seconds
        await email_tokens.issue(connection, EmailToken(digest(token), RESET, email, expires_at, account_id))
        return token, expires_at

    async def presented(self, connection: Connection, token: str, purpose: str, *, lock: bool = False) -> EmailToken:
        """What was issued. Raises `PermissionDenied` when it is unknown, spent or expired."""
        found = await email_tokens.find(connection, digest(token), purpose, self._clock(), lock=lock)
        if found is None:
            raise PermissionDenied("this link has expired or was used already; ask for a new one")
        return found
