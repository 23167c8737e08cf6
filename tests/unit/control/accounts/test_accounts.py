"""Accounts over the wire: registration, new passwords, sessions, and what an admin may do; letters by a real server."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from control.database import accounts
from protos.v1.auth_pb2 import (
    ROLE_ADMIN,
    ROLE_PUBLISHER,
    ROLE_VIEWER,
    ChangePasswordRequest,
    ConfirmEmailRequest,
    ConfirmEmailResponse,
    CreateAccountRequest,
    DeleteAccountRequest,
    GetAccountRequest,
    IssuePasswordResetRequest,
    ListAccountsRequest,
    ListSessionsRequest,
    RegisterRequest,
    ResetPasswordRequest,
    RevokeSessionRequest,
    UpdateAccountRequest,
)
from protos.v1.playback_pb2 import GetGrantRequest
from tests.control_house import ASSET, House, Metadata, bearer, refusal, running_control
from tests.members import EMAIL, FIREFOX, PASSWORD, ask_reset, login, made, me, register
from tests.patience import until
from tests.smtp import Mailbox, mail_server

pytestmark = pytest.mark.anyio

ADMIN = "admin@matinee.local"


@pytest.fixture
async def box(anyio_backend: str) -> AsyncIterator[Mailbox]:
    async with mail_server() as running:
        yield running


@pytest.fixture
async def house(tmp_path: Path, house_database_url: str, box: Mailbox) -> AsyncIterator[House]:
    async with running_control(tmp_path, database={"url": house_database_url}, mail={"smtp_url": box.url}) as running:
        yield running


async def token_in(box: Mailbox, number: int) -> str:
    """The token in one of the letters, counted from 1, once it has come."""
    await until(lambda: len(box.messages) >= number)
    found = re.search(r"token=(\S+)", box.text(number - 1))
    assert found, box.text(number - 1)
    return found[1]


async def confirm(house: House, token: str) -> ConfirmEmailResponse:
    return await house.auth.ConfirmEmail(ConfirmEmailRequest(token=token), metadata=house.client_at("192.0.2.1"))


class TestRegistration:
    async def test_an_account_is_opened_by_the_link_in_a_letter(self, house: House, box: Mailbox) -> None:
        await register(house)
        async with refusal("UNAUTHENTICATED"):
            await login(house)
        tokens = await confirm(house, await token_in(box, 1))
        account = await me(house, tokens.access_token)
        assert (account.email, account.role) == (EMAIL, ROLE_VIEWER)
        assert box.recipients == [EMAIL]
        assert f"{house.settings.public_url}/confirm?token=" in box.text()
        assert (await login(house)).access_token

    async def test_a_link_is_good_once_and_for_a_while(self, house: House, box: Mailbox) -> None:
        await register(house)
        token = await token_in(box, 1)
        await confirm(house, token)
        async with refusal("PERMISSION_DENIED", "expired or was used"):
            await confirm(house, token)
        await register(house, "bob@example.org")
        late = await token_in(box, 2)
        house.clock.turn(24 * 3600)
        async with refusal("PERMISSION_DENIED"):
            await confirm(house, late)

    async def test_each_link_opens_with_the_password_of_its_registration_and_ends_the_others(
        self, house: House, box: Mailbox
    ) -> None:
        await register(house)
        own = await token_in(box, 1)
        await register(house, address="198.51.100.66", password="a stranger's own")
        strange = await token_in(box, 2)
        await confirm(house, own)
        assert (await login(house)).access_token
        async with refusal("UNAUTHENTICATED"):
            await login(house, "a stranger's own")
        async with refusal("PERMISSION_DENIED", "expired or was used"):
            await confirm(house, strange)

    async def test_letters_of_several_registrations_say_where_each_came_from(self, house: House, box: Mailbox) -> None:
        await register(house, agent=FIREFOX)
        await token_in(box, 1)
        await register(house, address="198.51.100.66")
        await token_in(box, 2)
        assert ("Firefox on Linux" in box.text(0), "192.0.2.1" in box.text(0)) == (True, True)
        assert ("Firefox" in box.text(1), "198.51.100.66" in box.text(1)) == (False, True)

    async def test_of_several_links_to_set_a_password_the_first_that_is_followed_ends_the_others(
        self, house: House, box: Mailbox
    ) -> None:
        await made(house)
        await ask_reset(house)
        first = await token_in(box, 1)
        await ask_reset(house)
        second = await token_in(box, 2)
        await house.auth.ResetPassword(ResetPasswordRequest(token=first, new_password="another one"))
        async with refusal("PERMISSION_DENIED", "expired or was used"):
            await house.auth.ResetPassword(ResetPasswordRequest(token=second, new_password="a third one"))

    @pytest.mark.parametrize("call", [ask_reset, register])
    async def test_a_stranger_does_not_end_the_link_that_an_operator_hands_over(
        self, house: House, call: Callable[[House], Awaitable[None]]
    ) -> None:
        request = IssuePasswordResetRequest(account_id=(await made(house)).account_id)
        token = (await house.auth.IssuePasswordReset(request, metadata=await house.admin())).token
        await call(house)
        await house.auth.ResetPassword(ResetPasswordRequest(token=token, new_password="another one"))
        assert (await login(house, "another one")).access_token

    async def test_who_has_an_account_is_told_by_mail_how_to_come_in(self, house: House, box: Mailbox) -> None:
        await made(house)
        await register(house)
        await house.auth.ResetPassword(ResetPasswordRequest(token=await token_in(box, 1), new_password="another one"))
        assert "You have one already" in box.text(0)
        assert (await login(house, "another one")).access_token

    async def test_where_it_is_closed_nobody_registers(self, tmp_path: Path) -> None:
        closed = running_control(tmp_path, accounts={"registration": "closed"})
        async with closed as house, refusal("PERMISSION_DENIED", "made by whoever runs it"):
            await register(house)

    async def test_only_so_many_letters_go_to_an_address(self, house: House) -> None:
        for number in range(4):
            await ask_reset(house, address=f"192.0.2.{number}")
        async with refusal("RESOURCE_EXHAUSTED", "too many messages"):
            await register(house, EMAIL, "192.0.2.99")
        await register(house, "other@example.org", "192.0.2.99")

    async def test_only_so_many_letters_are_asked_for_by_an_address(self, house: House) -> None:
        for number in range(10):
            await ask_reset(house, f"{number}@example.org")
        async with refusal("RESOURCE_EXHAUSTED", "you have asked"):
            await ask_reset(house, "other@example.org")

    @pytest.mark.parametrize("email", ["a,b@example.org", "a<b@example.org", "a@b@example.org", "a b@example.org"])
    async def test_an_address_that_a_header_would_take_apart_is_refused(self, house: House, email: str) -> None:
        async with refusal("INVALID_ARGUMENT", "email"):
            await register(house, email)

    async def test_a_short_password_is_refused(self, house: House) -> None:
        async with refusal("INVALID_ARGUMENT", "shorter than 8"):
            await house.auth.Register(RegisterRequest(email=EMAIL, password="short"))


class TestPasswords:
    async def test_a_reset_ends_every_session_and_all_playback(self, house: House, box: Mailbox) -> None:
        title_id = await house.film()
        await made(house)
        old = await login(house)
        playing = await house.play(title_id, bearer(old.access_token))
        await ask_reset(house)
        token = await token_in(box, 1)
        await house.auth.ResetPassword(ResetPasswordRequest(token=token, new_password="another one"))
        async with refusal("UNAUTHENTICATED", "session has ended"):
            await me(house, old.access_token)
        async with refusal("PERMISSION_DENIED", "was changed"):
            request = GetGrantRequest(session_id=playing.session_id, asset_id=ASSET)
            await house.edges.GetGrant(request, metadata=house.service)
        async with refusal("PERMISSION_DENIED"):
            await house.auth.ResetPassword(ResetPasswordRequest(token=token, new_password="a third one"))
        await until(lambda: len(box.messages) == 2)
        assert "was changed" in box.text()

    async def test_nobody_hears_of_an_account_that_is_not_there(self, house: House, box: Mailbox) -> None:
        await ask_reset(house, "nobody@example.org")
        await register(house)
        await token_in(box, 1)
        assert box.recipients == [EMAIL]

    async def test_a_change_ends_every_other_session(self, house: House) -> None:
        await made(house)
        other, mine = await login(house), await login(house)
        request = ChangePasswordRequest(password=PASSWORD, new_password="another one")
        await house.auth.ChangePassword(request, metadata=bearer(mine.access_token))
        assert (await me(house, mine.access_token)).email == EMAIL
        async with refusal("UNAUTHENTICATED"):
            await me(house, other.access_token)
        assert (await login(house, "another one")).access_token

    async def test_a_change_ends_the_links_that_would_set_another(self, house: House, box: Mailbox) -> None:
        await made(house)
        await ask_reset(house)
        token = await token_in(box, 1)
        request = ChangePasswordRequest(password=PASSWORD, new_password="another one")
        await house.auth.ChangePassword(request, metadata=bearer((await login(house)).access_token))
        async with refusal("PERMISSION_DENIED", "used already"):
            await house.auth.ResetPassword(ResetPasswordRequest(token=token, new_password="a third one"))

    async def test_a_password_is_the_same_however_a_keyboard_composes_it(self, house: House) -> None:
        request = CreateAccountRequest(email=EMAIL, password="caf\u00e9 ol\u00e9", role=ROLE_VIEWER)
        await house.auth.CreateAccount(request, metadata=await house.admin())
        assert (await login(house, "cafe\u0301 ole\u0301")).access_token

    async def test_a_change_needs_the_present_password_and_is_not_tried_for_ever(self, house: House) -> None:
        await made(house)
        mine = bearer((await login(house)).access_token)
        request = ChangePasswordRequest(password="wrong", new_password="another one")
        for _ in range(10):
            async with refusal("PERMISSION_DENIED", "current password is wrong"):
                await house.auth.ChangePassword(request, metadata=mine)
        async with refusal("RESOURCE_EXHAUSTED"):
            await house.auth.ChangePassword(request, metadata=mine)

    async def test_who_has_no_password_yet_is_told_how_to_set_one(self, house: House) -> None:
        account = await made(house)
        mine = bearer((await login(house)).access_token)
        async with house.written() as connection:
            stored = await accounts.find(connection, account.account_id)
            assert stored is not None
            await accounts.save(connection, replace(stored, password_hash=""))
        async with refusal("FAILED_PRECONDITION", "no password yet: ask for a link"):
            await house.auth.ChangePassword(
                ChangePasswordRequest(password="x", new_password="another one"), metadata=mine
            )

    async def test_an_operator_hands_over_a_token(self, house: House) -> None:
        account = await made(house)
        issued = await house.auth.IssuePasswordReset(
            IssuePasswordResetRequest(account_id=account.account_id), metadata=await house.admin()
        )
        assert issued.expires_at.ToSeconds() - house.clock() == pytest.approx(3600, abs=5)
        await house.auth.ResetPassword(ResetPasswordRequest(token=issued.token, new_password="another one"))
        assert (await login(house, "another one")).access_token

    async def test_an_account_without_a_password_is_opened_by_none(self, house: House) -> None:
        await house.auth.CreateAccount(
            CreateAccountRequest(email=EMAIL, role=ROLE_VIEWER), metadata=await house.admin()
        )
        for password in ("an account that does not exist", "x"):
            async with refusal("UNAUTHENTICATED"):
                await login(house, password)


class TestSessions:
    async def listed(self, house: House, person: Metadata) -> list[tuple[str, str, bool]]:
        answer = await house.auth.ListSessions(ListSessionsRequest(), metadata=person)
        return [(session.device, session.address, session.current) for session in answer.sessions]

    async def test_they_are_listed_newest_first_with_their_devices(self, house: House) -> None:
        await made(house)
        await login(house, agent=FIREFOX)
        current = bearer((await login(house)).access_token)
        assert await self.listed(house, current) == [
            ("", "192.0.2.1", True),
            ("Firefox on Linux", "192.0.2.1", False),
        ]

    async def test_one_that_is_revoked_is_refused_at_once(self, house: House) -> None:
        await made(house)
        lost, mine = await login(house), bearer((await login(house)).access_token)
        other = (await house.auth.ListSessions(ListSessionsRequest(), metadata=mine)).sessions[1]
        await house.auth.RevokeSession(RevokeSessionRequest(session_id=other.session_id), metadata=mine)
        async with refusal("UNAUTHENTICATED", "session has ended"):
            await me(house, lost.access_token)
        assert len(await self.listed(house, mine)) == 1

    async def test_that_of_somebody_else_is_not_found(self, house: House) -> None:
        await made(house)
        mine, admin = bearer((await login(house)).access_token), await house.admin()
        other = (await house.auth.ListSessions(ListSessionsRequest(), metadata=admin)).sessions[0]
        async with refusal("NOT_FOUND"):
            await house.auth.RevokeSession(RevokeSessionRequest(session_id=other.session_id), metadata=mine)


class TestAdministration:
    async def test_accounts_are_listed_page_by_page_or_by_address(self, house: House) -> None:
        for number in range(3):
            await made(house, f"{number}@example.org")
        admin = await house.admin()
        first = await house.auth.ListAccounts(ListAccountsRequest(page_size=2), metadata=admin)
        rest = await house.auth.ListAccounts(ListAccountsRequest(page_token=first.next_page_token), metadata=admin)
        emails = [account.email for account in [*first.accounts, *rest.accounts]]
        assert emails == ["2@example.org", "1@example.org", "0@example.org", ADMIN]
        one = await house.auth.ListAccounts(ListAccountsRequest(email="1@EXAMPLE.org"), metadata=admin)
        assert [account.email for account in one.accounts] == ["1@example.org"]

    async def test_an_address_has_one_account(self, house: House) -> None:
        await made(house)
        async with refusal("FAILED_PRECONDITION", "already"):
            await made(house)

    async def test_a_role_is_changed_at_once(self, house: House) -> None:
        account, tokens = await made(house), await login(house)
        request = UpdateAccountRequest(account_id=account.account_id, role=ROLE_PUBLISHER)
        await house.auth.UpdateAccount(request, metadata=await house.admin())
        assert (await me(house, tokens.access_token)).role == ROLE_PUBLISHER

    async def test_who_is_disabled_is_out_and_stays_out(self, house: House) -> None:
        account, tokens = await made(house), await login(house)
        admin = await house.admin()
        request = UpdateAccountRequest(account_id=account.account_id, disabled=True)
        assert (await house.auth.UpdateAccount(request, metadata=admin)).account.disabled
        async with refusal("UNAUTHENTICATED"):
            await me(house, tokens.access_token)
        async with refusal("PERMISSION_DENIED", "may not sign in"):
            await login(house)
        request.disabled = False
        await house.auth.UpdateAccount(request, metadata=admin)
        assert (await login(house)).access_token

    async def test_who_is_deleted_is_gone(self, house: House) -> None:
        account, tokens = await made(house), await login(house)
        request = DeleteAccountRequest(account_id=account.account_id)
        await house.auth.DeleteAccount(request, metadata=await house.admin())
        async with refusal("UNAUTHENTICATED"):
            await me(house, tokens.access_token)
        async with refusal("NOT_FOUND"):
            await house.auth.DeleteAccount(request, metadata=await house.admin())

    async def test_the_last_admin_stays(self, house: House) -> None:
        admin = await house.admin()
        account = (await house.auth.GetAccount(GetAccountRequest(), metadata=admin)).account
        demoted = UpdateAccountRequest(account_id=account.account_id, role=ROLE_VIEWER)
        disabled = UpdateAccountRequest(account_id=account.account_id, disabled=True)
        for request in (demoted, disabled):
            async with refusal("FAILED_PRECONDITION", "last admin"):
                await house.auth.UpdateAccount(request, metadata=admin)
        async with refusal("FAILED_PRECONDITION", "last admin"):
            await house.auth.DeleteAccount(DeleteAccountRequest(account_id=account.account_id), metadata=admin)
        await made(house, role=ROLE_ADMIN)
        assert (await house.auth.UpdateAccount(demoted, metadata=admin)).account.role == ROLE_VIEWER
