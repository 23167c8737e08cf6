"""Registration: an account for whoever shows that an e-mail address is theirs."""

from dataclasses import asdict

from control import inputs
from control.accounts.attempts import Requests
from control.accounts.devices import device_name
from control.accounts.email_tokens import CONFIRM, EmailTokens
from control.accounts.mail.letter import Letter
from control.accounts.mail.letters import Letters
from control.accounts.mail.postbox import Postbox
from control.accounts.passwords import Passwords
from control.accounts.sessions import Sessions
from control.callers import client_address, user_agent
from control.database import Database, accounts, email_tokens
from control.database.accounts import Account
from control.identifiers import new_id
from matinee.errors import PermissionDenied
from matinee.tokens import Clock
from protos.v1 import auth_pb2 as pb


class Registration:
    """Neither answers nor their time tell whether there is an account: that comes by mail.

    So the same is done in either case: a password is hashed, a token is written, and a letter is posted.

    Each link opens the account with the password of its own registration, whoever else registers the same address.
    """

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        requests: Requests,
        tokens: EmailTokens,
        sessions: Sessions,
        letters: Letters,
        postbox: Postbox,
        clock: Clock,
        is_open: bool,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._requests = requests
        self._tokens = tokens
        self._sessions = sessions
        self._letters = letters
        self._postbox = postbox
        self._clock = clock
        self._is_open = is_open

    async def register(self, request: pb.RegisterRequest) -> pb.RegisterResponse:
        """Ask for an account. Raises `PermissionDenied` where only an admin makes them, or `ResourceExhausted`."""
        if not self._is_open:
            raise PermissionDenied("accounts of this instance are made by whoever runs it")
        email, password = inputs.email(request.email), inputs.new_password(request.password)
        self._requests.letter(email, client_address())
        password_hash = await self._passwords.hash(password)
        async with self._database.write() as connection:
            known = await accounts.by_email(connection, email)
            if known:
                token, _ = await self._tokens.reset(connection, email, known.account_id)
            else:
                token = await self._tokens.confirmation(connection, email, password_hash)
            letter = self._letters.known(email, token) if known else self._confirmation(email, token)
            await self._postbox.post(connection, letter)
        return pb.RegisterResponse()

    async def confirm(self, request: pb.ConfirmEmailRequest) -> pb.ConfirmEmailResponse:
        """Open an account and its first session. Raises `PermissionDenied`, or `Conflict` when there is one by now."""
        token = inputs.opaque_token("token", request.token)
        self._requests.token(client_address())
        async with self._database.write() as connection:
            confirmed = await self._tokens.presented(connection, token, CONFIRM, lock=True)
            account_id, now = new_id(self._clock), self._clock()
            account = Account(account_id, confirmed.email, confirmed.password_hash, "viewer", now)
            await accounts.add(connection, account)
            await email_tokens.spend(connection, CONFIRM, confirmed.email)
            opened = await self._sessions.open(connection, account)
        return pb.ConfirmEmailResponse(**asdict(opened))

    def _confirmation(self, email: str, token: str) -> Letter:
        device = device_name(user_agent())
        return self._letters.confirmation(email, token, device, client_address(), self._clock())
