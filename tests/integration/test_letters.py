"""kill -9 of control: letters that it has promised are sent by the next one, whatever the mail server did meanwhile."""

import asyncio
import os
import random
import re
import sys
from asyncio.subprocess import create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from control.accounts.mail.postbox import LEAVING_SECONDS
from control.database import waiting_letters
from control.database.engine import open_database
from matinee.rpc.channel import Channel, open_channel
from matinee.settings import Settings, load_settings
from protos.v1.auth_pb2 import ConfirmEmailRequest, RegisterRequest
from protos.v1.auth_pb2_grpc import AuthServiceStub
from tests.patience import PATIENCE, until
from tests.ports import free_port
from tests.smtp import mail_server
from tests.stack import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

EMAILS = [f"{number}@example.org" for number in range(3)]


@asynccontextmanager
async def control(settings: Settings, smtp_url: str) -> AsyncIterator[Channel]:
    """Control as an operator runs it, by a channel to it; it is killed at the end."""
    environment = {**os.environ, "MATINEE_DATA": str(settings.data), "MATINEE_MAIL__SMTP_URL": smtp_url}
    with (settings.data / "control.log").open("ab") as log:
        process = await create_subprocess_exec(
            sys.executable, "-m", "matinee", "control", cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        async with open_channel(settings.control_address) as channel:
            async with asyncio.timeout(PATIENCE):
                await channel.channel_ready()
            yield channel
    finally:
        process.kill()
        await process.wait()


async def test_whenever_control_is_killed_every_letter_comes_and_one_that_comes_twice_is_the_same(
    tmp_path: Path,
) -> None:
    settings, moments = load_settings(data=tmp_path), random.Random()
    async with mail_server() as box:
        for email in EMAILS:
            async with control(settings, box.url) as channel:
                await AuthServiceStub(channel).Register(RegisterRequest(email=email, password="a long password"))
                await asyncio.sleep(moments.uniform(0, 2 * LEAVING_SECONDS))
        async with control(settings, box.url):
            await until(lambda: all_sent(settings))
    assert {message["To"] for message in box.messages} == set(EMAILS)
    assert len({message["Message-ID"] for message in box.messages}) == len(EMAILS)


async def all_sent(settings: Settings) -> bool:
    """Whether no letter waits: a kill may leave the mail server with a recipient whose letter never came."""
    database = await open_database(settings.database_url)
    async with database.read() as connection:
        waiting = await waiting_letters.count(connection)
    await database.close()
    return waiting == 0


async def test_letters_of_a_control_that_was_killed_are_sent_by_the_next(tmp_path: Path) -> None:
    settings, port = load_settings(data=tmp_path), free_port("127.0.0.1")
    url = f"smtp://127.0.0.1:{port}"
    async with control(settings, url) as channel:
        for email in EMAILS:
            await AuthServiceStub(channel).Register(RegisterRequest(email=email, password="a long password"))
    async with mail_server(port=port) as box, control(settings, url) as channel:
        await until(lambda: len(box.messages) == len(EMAILS))
        assert sorted(box.recipients) == EMAILS
        link = re.search(r"token=(\S+)", box.text())
        assert link
        assert (await AuthServiceStub(channel).ConfirmEmail(ConfirmEmailRequest(token=link[1]))).access_token
