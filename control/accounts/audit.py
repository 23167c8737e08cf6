"""The audit of sessions: who signed in when, how, from where and on which device, ended sessions included."""

from control import inputs
from control.accounts import messages
from control.callers import caller
from control.database import Database, accounts, sessions
from control.database.sessions import SignIn
from control.pages import Page, PageRequest
from matinee.errors import NotFound
from protos.v1 import auth_pb2 as pb


class Audit:
    """Tells everybody of their own sign-ins, and an admin of those of any account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def own(self, request: pb.ListSignInsRequest) -> pb.ListSignInsResponse:
        """A page of the caller's sign-ins, newest first."""
        page, shown = await self._page(PageRequest.read(request.page_size, request.page_token), caller().account_id)
        return pb.ListSignInsResponse(sign_ins=shown, next_page_token=page.next_token)

    async def of_account(self, request: pb.ListAccountSignInsRequest) -> pb.ListAccountSignInsResponse:
        """A page of the sign-ins of an account, newest first. Raises `NotFound`."""
        account_id = inputs.identifier("account_id", request.account_id)
        async with self._database.read() as connection:
            if await accounts.find(connection, account_id) is None:
                raise NotFound("there is no such account")
        page, shown = await self._page(PageRequest.read(request.page_size, request.page_token), account_id)
        return pb.ListAccountSignInsResponse(sign_ins=shown, next_page_token=page.next_token)

    async def _page(self, asked: PageRequest, account_id: str) -> tuple[Page[SignIn], list[pb.SignIn]]:
        async with self._database.read() as connection:
            found = await sessions.audited(connection, asked.before, asked.look_ahead, account_id)
            active = await sessions.going_on(connection, [sign_in.session_id for sign_in in found])
        page = asked.cut(found, lambda sign_in: sign_in.session_id)
        return page, [messages.sign_in(one, active=one.session_id in active) for one in page.items]
