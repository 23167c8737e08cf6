"""New passwords: by the old one, or by a token that comes by mail or from an operator."""

from dataclasses import replace

from control import inputs
from control.accounts.attempts import Attempts, Requests
from control.accounts.email_tokens import RESET, EmailTokens
from control.accounts.mail.letters import Letters
from control.accounts.mail.postbox import Postbox
from control.accounts.passwords import Passwords
from control.accounts.shut_out import shut_out, shut_out_others
from control.callers import Caller, caller, client_address
from control.database import Connection, Database, accounts, email_tokens
from control.database.accounts import Account
from control.playback.announcer import Announcer
from control.timestamps import timestamp
from matinee.errors import Conflict, NotFound, PermissionDenied, Unauthenticated
from matinee.tokens import Clock
from protos.v1 import auth_pb2 as pb

NOBODY = ""
SECRET_SECONDS = 3.0
"""Within how long a letter leaves that only accounts get."""
NONE_YET = "your account has no password yet: ask for a link that sets one, as who has forgotten theirs does"
CHANGED = "the password of the account was changed; sign in again"


class Recovery:
    """Sets passwords. Whoever asks for a token learns nothing about whether there is an account.

    So the same is done in either case, and a letter to nobody is posted where there is none.
    """

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        attempts: Attempts,
        requests: Requests,
        tokens: EmailTokens,
        letters: Letters,
        postbox: Postbox,
        announcer: Announcer,
        clock: Clock,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._attempts = attempts
        self._requests = requests
        self._tokens = tokens
        self._letters = letters
        self._postbox = postbox
        self._announcer = announcer
        self._clock = clock

    async def request(self, request: pb.RequestPasswordResetRequest) -> pb.RequestPasswordResetResponse:
        """Send a token to whoever has an account with this address. Raises `ResourceExhausted`."""
        email = inputs.email(request.email)
        self._requests.letter(email, client_address())
        async with self._database.write() as connection:
            account = await accounts.by_email(connection, email)
            token, _ = await self._tokens.reset(connection, email, account.account_id if account else None)
            letter = self._letters.reset(email if account else NOBODY, token)
            await self._postbox.post(connection, letter, within=SECRET_SECONDS)
        return pb.RequestPasswordResetResponse()

    async def reset(self, request: pb.ResetPasswordRequest) -> pb.ResetPasswordResponse:
        """Set a password by a token, and end all that the account has open. Raises `PermissionDenied`."""
        token, password = inputs.opaque_token("token", request.token), inputs.new_password(request.new_password)
        self._requests.token(client_address())
        async with self._database.read() as connection:
            await self._tokens.presented(connection, token, RESET)
        password_hash = await self._passwords.hash(password)
        async with self._database.write() as connection:
            issued = await self._tokens.presented(connection, token, RESET, lock=True)
            await self._set(connection, str(issued.account_id), password_hash)
            await shut_out(connection, str(issued.account_id), CHANGED, self._clock)
            await self._postbox.post(connection, self._letters.password_changed(issued.email))
        self._announcer.wake()
        return pb.ResetPasswordResponse()

    async def change(self, request: pb.ChangePasswordRequest) -> pb.ChangePasswordResponse:
        """Set a password by the old one, and end every other session.

        Raises `PermissionDenied` for a wrong one, `Conflict` for who signs in at a provider and has none.
        """
        old, new = inputs.password(request.password), inputs.new_password(request.new_password)
        person = caller()
        try:
            async with self._attempts.one(person.email, person.session_id):
                account = await self._proved(person, old)
        except Unauthenticated as error:  # the caller is somebody: only the password is not theirs
            raise PermissionDenied(str(error)) from error
        password_hash = await self._passwords.hash(new)
        async with self._database.write() as connection:
            await self._set(connection, account.account_id, password_hash, instead_of=account.password_hash)
            await shut_out_others(connection, account.account_id, person.session_id, CHANGED, self._clock)
            await self._postbox.post(connection, self._letters.password_changed(account.email))
        return pb.ChangePasswordResponse()

    async def issue(self, request: pb.IssuePasswordResetRequest) -> pb.IssuePasswordResetResponse:
        """A token for an operator who hands it over. Raises `NotFound`."""
        account_id = inputs.identifier("account_id", request.account_id)
        async with self._database.write() as connection:
            account = await accounts.find(connection, account_id)
            if account is None:
                raise NotFound("there is no such account")
            token, expires_at = await self._tokens.reset(connection, account.email, account_id)
        return pb.IssuePasswordResetResponse(token=token, expires_at=timestamp(expires_at))

    async def _proved(self, person: Caller, password: str) -> Account:
        async with self._database.read() as connection:
            account = await accounts.find(connection, person.account_id)
        if account and not account.password_hash:
            raise Conflict(NONE_YET)
        if account is None or not await self._passwords.matches(password, account.password_hash):
            raise Unauthenticated("the current password is wrong")
        return account

    async def _set(
        self, connection: Connection, account_id: str, password_hash: str, *, instead_of: str | None = None
    ) -> None:
        """Set a password, and end every link that would set another."""
        account = await accounts.find(connection, account_id, lock=True)
        if account is None or instead_of not in {None, account.password_hash}:
            raise PermissionDenied("the password was changed meanwhile; sign in again")
        await accounts.save(connection, replace(account, password_hash=password_hash))
        await email_tokens.spend(connection, RESET, account.email)
