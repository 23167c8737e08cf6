"""The postbox: takes letters at once, and sees to them afterwards, so that no call waits for a mail server."""

import asyncio
from collections.abc import Sequence

import structlog

from control.accounts.mail.letter import Letter
from control.accounts.mail.transport import Transport
from matinee.errors import InvalidInput, Unavailable
from matinee.tokens import Clock

PAUSES = (0.1, 2.0, 30.0, 300.0)
"""Seconds before each try. The first keeps the work on a letter out of the answer of whoever asked for it, whose
time would tell that there is a letter, and so an account."""
LONGEST_QUEUE = 1_000
SIDE_BY_SIDE = 100
"""Most letters that are on their way, or wait for another try."""

log = structlog.get_logger()


class Postbox:
    """Sends letters one by one; what cannot be sent in the end is told in the log, without its text.

    Letters that are still in it when control ends are lost: whoever asked for one asks again.
    """

    def __init__(self, transport: Transport, sender: str, clock: Clock, pauses: Sequence[float] = PAUSES) -> None:
        self._transport = transport
        self._sender = sender
        self._clock = clock
        self._pauses = pauses
        self._queue = asyncio.Queue[Letter](LONGEST_QUEUE)
        self._places = asyncio.Semaphore(SIDE_BY_SIDE)

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
        first, *further = self._pauses
        await asyncio.sleep(first)
        message = letter.message(self._sender, self._clock())
        for pause in further:
            try:
                return await self._transport.send(message)
            except Unavailable as error:
                log.warning("a mail waits for another try", subject=letter.subject, seconds=pause, reason=str(error))
                await asyncio.sleep(pause)
        return await self._transport.send(message)
