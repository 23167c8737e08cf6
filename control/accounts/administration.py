"""Accounts as an admin keeps them."""

from collections.abc import Mapping
from dataclasses import replace

from control import inputs
from control.accounts import messages
from control.accounts.passwords import Passwords
from control.accounts.shut_out import shut_out
from control.callers import ROLES
from control.database import Connection, Database, accounts, identities
from control.database.accounts import Account
from control.identifiers import new_id
from control.pages import PageRequest
from control.playback.access import Access
from control.playback.announcer import Announcer
from matinee.errors import Conflict, InvalidInput, NotFound
from matinee.tokens import Clock
from protos.v1 import auth_pb2 as pb

ROLE_NAMES = {number: name for name, number in ROLES.items()}
DISABLED = "the account may not be used any more"
DELETED = "the account was deleted"


class Administration:
    """Makes, changes and removes accounts; one admin who may sign in is always left.

    `providers` are the names of the OpenID providers by their issuer.
    """

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        announcer: Announcer,
        access: Access,
        clock: Clock,
        providers: Mapping[str, str],
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._announcer = announcer
        self._access = access
        self._clock = clock
        self._providers = providers

    async def get(self, account_id: str) -> pb.Account:
        """An account. Raises `NotFound`."""
        async with self._database.read() as connection:
            return (await self._messages(connection, await _found(connection, account_id)))[0]

    async def page(self, request: pb.ListAccountsRequest) -> pb.ListAccountsResponse:
        """A page of accounts, or the one of an address."""
        asked = PageRequest.read(request.page_size, request.page_token)
        email = inputs.email(request.email) if request.email else ""
        async with self._database.read() as connection:
            found = await accounts.page(connection, asked.before, asked.look_ahead, email=email)
            page = asked.cut(found, lambda account: account.account_id)
            shown = await self._messages(connection, *page.items)
        return pb.ListAccountsResponse(accounts=shown, next_page_token=page.next_token)

    async def create(self, request: pb.CreateAccountRequest) -> pb.CreateAccountResponse:
        """Make an account. Raises `Conflict` when there is one with its address."""
        email, role = inputs.email(request.email), _role(request.role)
        password_hash = await self._passwords.hash(inputs.new_password(request.password)) if request.password else ""
        account = Account(new_id(self._clock), email, password_hash, role, self._clock())
        async with self._database.write() as connection:
            await accounts.add(connection, account)
        return pb.CreateAccountResponse(account=messages.account(account, ()))

    async def update(self, request: pb.UpdateAccountRequest) -> pb.UpdateAccountResponse:
        """Change the role of an account, or whether it may sign in; what it plays goes on as it may from now on.

        Raises `NotFound`, `Conflict` for the last admin.
        """
        shown = await self._database.transact(lambda connection: self._updated(connection, request))
        self._announcer.wake()
        return pb.UpdateAccountResponse(account=shown)

    async def delete(self, request: pb.DeleteAccountRequest) -> pb.DeleteAccountResponse:
        """Remove an account with all that is of it. Raises `NotFound`, `Conflict` for the last admin."""
        await self._database.transact(lambda connection: self._deleted(connection, request.account_id))
        self._announcer.wake()
        return pb.DeleteAccountResponse()

    async def _updated(self, connection: Connection, request: pb.UpdateAccountRequest) -> pb.Account:
        await accounts.hold_admins(connection)
        account = await _found(connection, request.account_id, lock=True)
        if request.HasField("role"):
            account = replace(account, role=_role(request.role))
        if request.HasField("disabled"):
            account = replace(account, disabled=request.disabled)
        if account.role != "admin" or account.disabled:
            await _spare_last_admin(connection, account.account_id)
        await accounts.save(connection, account)
        if account.disabled:
            await shut_out(connection, account.account_id, DISABLED, self._clock)
        await self._access.review(connection, account.account_id)
        return (await self._messages(connection, account))[0]

    async def _deleted(self, connection: Connection, account_id: str) -> None:
        await accounts.hold_admins(connection)
        account = await _found(connection, account_id, lock=True)
        await _spare_last_admin(connection, account.account_id)
        await shut_out(connection, account.account_id, DELETED, self._clock)
        await accounts.remove(connection, account.account_id)

    async def _messages(self, connection: Connection, *shown: Account) -> list[pb.Account]:
        issuers = await identities.issuers(connection, [account.account_id for account in shown])
        return [messages.account(account, self._names(issuers[account.account_id])) for account in shown]

    def _names(self, issuers: list[str]) -> list[str]:
        return [self._providers[issuer] for issuer in issuers if issuer in self._providers]


async def _found(connection: Connection, account_id: str, *, lock: bool = False) -> Account:
    account = await accounts.find(connection, inputs.identifier("account_id", account_id), lock=lock)
    if account is None:
        raise NotFound("there is no such account")
    return account


async def _spare_last_admin(connection: Connection, account_id: str) -> None:
    if await accounts.active_admins(connection) == {account_id}:
        raise Conflict("this is the last admin: make somebody else one first")


def _role(number: "pb.Role.ValueType") -> str:
    if number not in ROLE_NAMES:
        raise InvalidInput("role must be viewer, publisher or admin")
    return ROLE_NAMES[number]
