"""What follows a sign-in: the last login, the audit of sessions, and a notice when the device is a new one."""

from control.accounts.mail.letters import Letters
from control.accounts.mail.postbox import Postbox
from control.database import Connection, accounts, sessions
from control.database.sessions import SignIn
from control.events.consumer import Consumer
from protos.v1.events_pb2 import UserAuthenticated

GROUP = "post-login"


class PostLogin:
    """Handles `UserAuthenticated`."""

    def __init__(self, letters: Letters, postbox: Postbox) -> None:
        self._letters = letters
        self._postbox = postbox

    @property
    def consumer(self) -> Consumer:
        """Its consumer group."""
        return Consumer(GROUP, {UserAuthenticated: self.handle})

    async def handle(self, connection: Connection, event: UserAuthenticated) -> None:
        """Do what follows a sign-in; nothing when the account has been deleted since, or the audit has it."""
        account = await accounts.find(connection, event.account_id)
        if account is None:
            return
        time = event.time.ToMicroseconds() / 1_000_000
        seen = await sessions.devices_seen(connection, event.account_id)
        sign_in = SignIn(event.session_id, event.account_id, event.method, event.device, event.address, time)
        if not await sessions.audit(connection, sign_in):
            return
        await accounts.logged_in(connection, event.account_id, time)
        if account.last_login_at is not None and event.device not in seen:  # the audit forgets, the account does not
            letter = self._letters.new_device(account.email, event.device, event.address, time)
            await self._postbox.post(connection, letter)
