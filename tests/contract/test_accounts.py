"""What happens at the same moment to an account, over whichever database."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from matinee.rpc.call_errors import CallError
from protos.v1.auth_pb2 import ConfirmEmailRequest, ConfirmEmailResponse, LoginRequest, RefreshRequest, RegisterRequest
from tests.control_house import House, running_control
from tests.patience import until
from tests.smtp import Mailbox, mail_server

pytestmark = pytest.mark.anyio

EMAIL = "ada@example.org"
PASSWORDS = ["a long password", "another password", "a third password"]


@pytest.fixture
async def box(anyio_backend: str) -> AsyncIterator[Mailbox]:
    async with mail_server() as running:
        yield running


@pytest.fixture
async def house(tmp_path: Path, database_url: str, box: Mailbox) -> AsyncIterator[House]:
    async with running_control(tmp_path, database={"url": database_url}, mail={"smtp_url": box.url}) as running:
        yield running


async def test_of_many_refreshes_at_once_all_get_the_same_successor(house: House) -> None:
    request = RefreshRequest(refresh_token=(await house.sign_in()).refresh_token)
    answers = await asyncio.gather(*(asyncio.ensure_future(house.auth.Refresh(request)) for _ in range(8)))
    (successor,) = {answer.refresh_token for answer in answers}
    assert (await house.auth.Refresh(RefreshRequest(refresh_token=successor))).refresh_token != successor


async def test_of_several_links_that_are_followed_at_once_one_opens_the_account(house: House, box: Mailbox) -> None:
    for password in PASSWORDS:
        await house.auth.Register(RegisterRequest(email=EMAIL, password=password))
    await until(lambda: len(box.messages) == len(PASSWORDS))
    found = [re.search(r"token=(\S+)", box.text(number)) for number in range(len(PASSWORDS))]
    calls = [house.auth.ConfirmEmail(ConfirmEmailRequest(token=link[1])) for link in found if link]
    answers = await asyncio.gather(*map(asyncio.ensure_future, calls), return_exceptions=True)
    assert sorted(isinstance(answer, ConfirmEmailResponse) for answer in answers) == [False, False, True]
    assert [await signs_in(house, password) for password in PASSWORDS].count(True) == 1


async def signs_in(house: House, password: str) -> bool:
    try:
        await house.auth.Login(LoginRequest(email=EMAIL, password=password))
    except CallError:
        return False
    return True
