"""Why a machine and control do not trust each other, said in one sentence where gRPC says nothing."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from matinee.errors import Unavailable
from matinee.handshake import explained, fault
from matinee.settings import ControlSettings, load_settings
from tests.authority import Authority
from tests.ports import free_port
from tests.secured_control import HOST, control, files

pytestmark = pytest.mark.anyio


async def found(address: str, **settings: Any) -> str:
    return await asyncio.to_thread(fault, ControlSettings(**settings), address)


async def test_machines_that_trust_each_other_have_no_fault(authority: Authority) -> None:
    shown = files(authority.issue(HOST), authority)
    async with control(**shown) as address:
        assert await found(address, **shown) == ""
        assert await found(f"dns:///{address}", **shown) == ""


async def test_no_more_is_asked_of_a_certificate_than_grpc_asks(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssl, "create_default_context", strict(ssl.create_default_context))
    async with control(**files(authority.issue(HOST))) as address:
        assert await found(address, **files(authority=authority)) == ""


def strict(make: Callable[..., ssl.SSLContext]) -> Callable[..., ssl.SSLContext]:
    """What Python makes of it from 3.13 on, which asks for all that RFC 5280 does."""

    def made(**options: Any) -> ssl.SSLContext:
        context = make(**options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    return made


async def test_a_control_of_another_authority_is_told(authority: Authority, strangers: Authority) -> None:
    async with control(**files(authority.issue(HOST))) as address:
        said = await found(address, **files(authority=strangers))
    named = f"control at {address} is not who control.authority_file {strangers.file} vouches for"
    assert said == f"{named}: unable to get local issuer certificate"


async def test_a_control_of_another_name_is_told(authority: Authority) -> None:
    async with control(**files(authority.issue("control"))) as address:
        said = await found(address, **files(authority=authority, server_name="matinee"))
        assert said.endswith("Hostname mismatch, certificate is not valid for 'matinee'")
        assert await found(address, **files(authority=authority, server_name="control")) == ""


async def test_a_machine_that_control_does_not_trust_is_told(authority: Authority, strangers: Authority) -> None:
    issued = strangers.issue("edge")
    async with control(**files(authority.issue(HOST), authority)) as address:
        said = await found(address, **files(issued, authority))
    assert said == f"control at {address} does not trust this machine's control.certificate_file {issued.certificate}"


async def test_a_machine_without_a_certificate_is_told_that_control_wants_one(authority: Authority) -> None:
    async with control(**files(authority.issue(HOST), authority)) as address:
        said = await found(address, **files(authority=authority))
    assert said == f"control at {address} wants to see a certificate: set control.certificate_file"


async def test_a_control_without_tls_is_told(authority: Authority) -> None:
    async with control() as address:
        said = await found(address, **files(authority=authority))
    assert said == f"control at {address} does not speak TLS as this machine does: WRONG_VERSION_NUMBER"


@pytest.mark.parametrize("address", [f"{HOST}:9", "unix:/run/control.sock"])
async def test_a_control_that_is_not_there_is_no_fault_of_certificates(address: str, authority: Authority) -> None:
    assert await found(address, **files(authority=authority)) == ""
    assert await found(address) == ""


async def test_what_expires_while_a_service_runs_is_the_reason_why_it_is_not_ready(authority: Authority) -> None:
    async def reach() -> None:
        raise Unavailable("control cannot be reached; try again")

    issued = authority.issue("edge")
    settings = load_settings(control={"address": f"{HOST}:{free_port(HOST)}", **files(issued, authority)})
    with pytest.raises(Unavailable, match="cannot be reached"):
        await explained(reach, settings)()
    authority.issue("edge", days=-1)
    with pytest.raises(Unavailable, match=rf"^control\.certificate_file {issued.certificate} expired on 20"):
        await explained(reach, settings)()
