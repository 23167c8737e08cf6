"""The postbox: takes letters into the database, and sends them afterwards, so that no call waits for a mail server.

A letter is written in the transaction of its cause, so that there is none without it, and leaves the database after the
mail server has it. A postbox that dies in between sends it again, with the same Message-ID.
"""

import asyncio
from contextlib import suppress
from secrets import SystemRandom

import structlog

from control.accounts.mail.letter import Letter
from control.accounts.mail.transport import Transport
from control.database import Connection, Database, waiting_letters
from control.database.waiting_letters import WaitingLetter
from control.events.backoff import Backoff
from control.identifiers import new_id
from matinee.errors import InvalidInput, Unavailable
from matinee.tokens import Clock

LEAVING_SECONDS = 0.1
"""Before the first try: keeps the work on a letter out of the answer of whoever asked for it, whose time would tell
that there is a letter, and so an account."""
SHORTEST_PAUSE = 2.0
LONGEST_PAUSE = 300.0
"""Before another try; between the two it is as long as the letter has waited."""
KEPT_SECONDS = 86_400.0
"""How long a letter is tried: the links in letters are good no longer."""
CONNECTIONS = 20
"""Most letters that are handed to the server at the same time."""

log = structlog.get_logger()


class Postbox:
    """Sends what is posted. While the server is away letters wait, and the log says so once, and when it is back.

    What is refused for good is told in the log, without its text.
    """

    def __init__(self, database: Database, transport: Transport, sender: str, clock: Clock) -> None:
        self._database = database
        self._transport = transport
        self._sender = sender
        self._clock = clock
        self._away = False
        self.sent = self.failed = 0
        """Letters that were sent, or given up, since the start."""

    async def post(self, connection: Connection, letter: Letter, *, within: float = 0.0) -> None:
        """Have a letter sent when the transaction is committed; one without a recipient takes as long, and is not.

        Where nobody may know whether there is a letter, it leaves `within` so many seconds, and nobody can tell when:
        who calls just then may find that somebody else is at work.
        """
        now = self._clock()
        due_at = now + LEAVING_SECONDS + SystemRandom().uniform(0, within)
        waiting = WaitingLetter(new_id(self._clock), letter.recipient, letter.subject, letter.text, now, due_at)
        await waiting_letters.add(connection, waiting)

    async def run(self) -> None:
        """Send what is due until cancelled; one of all processes on the database does so."""
        backoff = Backoff()
        while True:
            try:
                async with self._database.alone("postbox"):
                    while True:
                        written = self._database.next_write()
                        await _rest(written, await self.send())
                        backoff.reset()
            except Unavailable as error:
                log.warning("letters wait in the database", reason=str(error))
                await backoff.wait()

    async def send(self) -> float | None:
        """Send letters that are due, and answer in how many seconds another is; None when there is none.

        Raises `Unavailable` when the database does not answer.
        """
        async with self._database.read() as connection:
            waiting = await waiting_letters.next_due(connection, CONNECTIONS)
        now = self._clock()
        due = [letter for letter in waiting if letter.due_at <= now]
        outcomes = await asyncio.gather(*map(self._see_to, due), return_exceptions=True)
        for failure in filter(None, outcomes):
            raise failure
        return 0.0 if due else min((letter.due_at - now for letter in waiting), default=None)

    async def _see_to(self, letter: WaitingLetter) -> None:
        done = not letter.recipient or await self._handed_over(letter)
        async with self._database.write() as connection:
            if done:
                await waiting_letters.remove(connection, letter.letter_id)
            else:
                now = self._clock()
                pause = min(max(SHORTEST_PAUSE, now - letter.posted_at), LONGEST_PAUSE)
                await waiting_letters.put_off(connection, letter.letter_id, now + pause)

    async def _handed_over(self, letter: WaitingLetter) -> bool:
        """Whether a letter needs no further try: it is sent, or given up."""
        try:
            await self._send(letter)
        except Unavailable as error:
            if self._clock() < letter.posted_at + KEPT_SECONDS:
                self._note(away=True, reason=str(error))
                return False
            self.failed += 1
            log.error("a mail could not be sent", subject=letter.subject, reason=str(error))
        except InvalidInput as error:
            self.failed += 1
            log.error("a mail could not be sent", subject=letter.subject, reason=str(error))
        except Exception:
            self.failed += 1
            log.exception("a mail could not be sent", subject=letter.subject)
        return True

    async def _send(self, letter: WaitingLetter) -> None:
        written = Letter(letter.recipient, letter.subject, letter.text)
        await self._transport.send(written.message(self._sender, letter.letter_id, letter.posted_at))
        self.sent += 1
        self._note(away=False)

    def _note(self, *, away: bool, **told: str) -> None:
        if away != self._away:
            log.warning("mail waits, and is tried again" if away else "mail is sent again", **told)
        self._away = away


async def _rest(written: asyncio.Event, seconds: float | None) -> None:
    """Wait until a letter is due: one that is there in so many seconds, or one that somebody writes now."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await written.wait()
            await asyncio.sleep(LEAVING_SECONDS)
