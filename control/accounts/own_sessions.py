"""The sessions of an account as its owner sees them."""

from control import inputs
from control.accounts import messages
from control.callers import caller
from control.database import Database, announcements, sessions
from control.pages import PageRequest
from control.playback.ending import SIGNED_OUT, end_of_login
from matinee.errors import NotFound
from matinee.tokens import Clock
from protos.v1 import auth_pb2 as pb


class OwnSessions:
    """Lists the caller's sessions and ends them; the access token of one that has ended is refused at once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def page(self, request: pb.ListSessionsRequest) -> pb.ListSessionsResponse:
        """A page of the caller's sessions, newest first."""
        asked, person = PageRequest.read(request.page_size, request.page_token), caller()
        async with self._database.read() as connection:
            found = await sessions.page(connection, asked.before, asked.look_ahead, person.account_id)
        page = asked.cut(found, lambda session: session.session_id)
        shown = [messages.session(session, person.session_id) for session in page.items]
        return pb.ListSessionsResponse(sessions=shown, next_page_token=page.next_token)

    async def revoke(self, request: pb.RevokeSessionRequest) -> pb.RevokeSessionResponse:
        """End a session of the caller. Raises `NotFound`."""
        session_id = inputs.identifier("session_id", request.session_id)
        async with self._database.write() as connection:
            account_id = caller().account_id
            if not await sessions.end_own(connection, session_id, account_id):
                raise NotFound("there is no such session")
            await end_of_login(connection, session_id, SIGNED_OUT, self._clock)
            await announcements.announce_account(connection, account_id, self._clock())
        return pb.RevokeSessionResponse()
