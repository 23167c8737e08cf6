"""The audit of sign-ins: who is told when, how, from where and on which device somebody signed in."""

import pytest

from protos.v1.auth_pb2 import ListAccountSignInsRequest, ListSignInsRequest, LogoutRequest
from tests.control_house import House, Metadata, bearer, claims_of, refusal
from tests.members import FIREFOX, login, made
from tests.patience import until

pytestmark = pytest.mark.anyio


async def signed_in(house: House) -> tuple[Metadata, str]:
    """A person who signed in twice, and out again once; and their account. Returns when the audit knows of it."""
    await made(house)
    first = await login(house, agent=FIREFOX)
    person = bearer((await login(house)).access_token)
    await house.auth.Logout(LogoutRequest(refresh_token=first.refresh_token))

    async def known() -> bool:
        return len((await house.auth.ListSignIns(ListSignInsRequest(), metadata=person)).sign_ins) == 2

    await until(known)
    return person, claims_of(person)["sub"]


async def test_sign_ins_are_told_newest_first_also_of_sessions_that_have_ended(house: House) -> None:
    person, _ = await signed_in(house)
    told = (await house.auth.ListSignIns(ListSignInsRequest(), metadata=person)).sign_ins
    assert [(one.method, one.device, one.address, one.active) for one in told] == [
        ("password", "", "192.0.2.1", True),
        ("password", "Firefox on Linux", "192.0.2.1", False),
    ]
    assert told[0].time.ToMicroseconds() > told[1].time.ToMicroseconds()


async def test_an_admin_is_told_those_of_any_account_page_by_page(house: House) -> None:
    (person, account_id), admin = await signed_in(house), await house.admin()
    own = await house.auth.ListSignIns(ListSignInsRequest(), metadata=person)
    request = ListAccountSignInsRequest(account_id=account_id, page_size=1)
    first = await house.auth.ListAccountSignIns(request, metadata=admin)
    request.page_token = first.next_page_token
    rest = await house.auth.ListAccountSignIns(request, metadata=admin)
    assert [*first.sign_ins, *rest.sign_ins] == [*own.sign_ins]
    assert rest.next_page_token == ""


async def test_nobody_else_is_told_of_an_account_and_of_none_that_there_is_not(house: House) -> None:
    person, account_id = await signed_in(house)
    async with refusal("PERMISSION_DENIED"):
        await house.auth.ListAccountSignIns(ListAccountSignInsRequest(account_id=account_id), metadata=person)
    nobody = ListAccountSignInsRequest(account_id="0" * 26)
    async with refusal("NOT_FOUND"):
        await house.auth.ListAccountSignIns(nobody, metadata=await house.admin())
