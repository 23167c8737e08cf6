"""The postbox: takes letters at once, and sees to them afterwards, so that no call waits for a mail server."""

import asyncio
from collections.abc import Sequence
from email.message import EmailMessage
from itertools import chain, repeat

import structlog

from control.accounts.mail.letter import Letter
from control.accounts.mail.transport import Transport
from matinee.errors import InvalidInput, Unavailable
from matinee.tokens import Clock

PAUSES = (0.1, 2.0, 30.0, 300.0)
"""Seconds before each try; the last one again and again. The first keeps the work on a letter out of the answer of
whoever asked for it, whose time would tell that there is a letter, and so an account."""
KEPT_SECONDS = 86_400.0
"""How long a letter is tried: the links in letters are good no longer."""
LONGEST_QUEUE = 1_000
SIDE_BY_SIDE = 1_000
"""Most letters that are on their way, or wait for another try."""
CONNECTIONS = 20
"""Most letters that are handed to the server at the same time."""

log = structlog.get_logger()


class Postbox:
    """Sends letters one by one. While the server is away they wait, and the log says so once, and when it is back.

    What is refused for good is told in the log, without its text. Letters that are still in it when control ends are
    lost: whoever asked for one asks again.
    """

    def __init__(self, transport: Transport, sender: str, clock: Clock, pauses: Sequence[float] = PAUSES) -> None:
        self._transport = transport
        self._sender = sender
        self._clock = clock
        self._pauses = pauses
        self._queue = asyncio.Queue[Letter](LONGEST_QUEUE)
        self._places = asyncio.Semaphore(SIDE_BY_SIDE)
        self._connections = asyncio.Semaphore(CONNECTIONS)
        self._away = False

    def post(self, letter: Letter) -> None:
        """Have a letter sent."""
        try:
            self._queue.put_nowait(letter)
        except asyncio.QueueFull:
            log.error("a mail was given up: too many wait", subject=letter.subject)

    async def run(self) -> None:
        """Send what is posted until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                letter = await self._queue.get()
                await self._places.acquire()
                tasks.create_task(self._deliver(letter)).add_done_callback(lambda _: self._places.release())

    async def _deliver(self, letter: Letter) -> None:
        try:
            await self._try(letter)
        except (Unavailable, InvalidInput) as error:
            log.error("a mail could not be sent", subject=letter.subject, reason=str(error))
        except Exception:
            log.exception("a mail could not be sent", subject=letter.subject)

    async def _try(self, letter: Letter) -> None:
        await asyncio.sleep(self._pauses[0])
        message, until = letter.message(self._sender, self._clock()), self._clock() + KEPT_SECONDS
        for pause in chain(self._pauses[1:], repeat(self._pauses[-1])):
            if await self._sent(message, until):
                return
            await asyncio.sleep(pause)

    async def _sent(self, message: EmailMessage, until: float) -> bool:
        """Whether a message is sent; raises what the transport raises when it is refused, or too old."""
        try:
            async with self._connections:
                await self._transport.send(message)
        except Unavailable as error:
            if self._clock() >= until:
                raise
            self._note(away=True, reason=str(error))
            return False
        self._note(away=False)
        return True

    def _note(self, *, away: bool, **told: str) -> None:
        if away != self._away:
            log.warning("mail waits, and is tried again" if away else "mail is sent again", **told)
        self._away = away
