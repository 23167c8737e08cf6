"""gRPC over TLS: who is called, who is answered, and what is refused before anybody is."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from matinee.certificates import of_caller, of_control
from matinee.errors import InvalidInput, Unavailable
from matinee.instance import free_port
from matinee.rpc import listen, make_server, open_control, translated
from matinee.settings import ControlSettings, load_settings
from protos.v1.auth_pb2 import GetKeysRequest
from protos.v1.auth_pb2_grpc import AuthServiceStub, add_AuthServiceServicer_to_server
from tests.authority import Authority, Issued
from tests.control_services import Auth, Calls

pytestmark = pytest.mark.anyio

HOST = "127.0.0.1"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


@pytest.fixture
def strangers(tmp_path: Path) -> Authority:
    """An authority that nobody of the house trusts."""
    return Authority(tmp_path / "strangers")


def files(issued: Issued | None = None, authority: Authority | None = None, **more: Any) -> dict[str, Any]:
    """Settings of [control]."""
    shown = {"certificate_file": str(issued.certificate), "private_key_file": str(issued.private_key)} if issued else {}
    return shown | ({"authority_file": str(authority.file)} if authority else {}) | more


@asynccontextmanager
async def control(**settings: Any) -> AsyncIterator[str]:
    """A control with these settings; gives its address."""
    server, address = make_server(), f"{HOST}:{free_port(HOST)}"
    add_AuthServiceServicer_to_server(Auth(Calls()), server)  # type: ignore[abstract]
    listen(server, ControlSettings(**settings), address)
    await server.start()
    try:
        yield address
    finally:
        await server.stop(0)


async def call(address: str, **settings: Any) -> None:
    """A call by a machine with these settings. Raises `Unavailable` when the two do not trust each other."""
    async with open_control(load_settings(control={"address": address, **settings})) as channel, translated():
        await AuthServiceStub(channel).GetKeys(GetKeysRequest())


async def test_control_is_known_by_its_certificate(authority: Authority, strangers: Authority) -> None:
    async with control(**files(authority.issue(HOST))) as address:
        await call(address, **files(authority=authority))
        with pytest.raises(Unavailable, match="control cannot be reached"):
            await call(address, **files(authority=strangers))


async def test_a_certificate_for_another_host_is_none(authority: Authority) -> None:
    async with control(**files(authority.issue("192.0.2.1"))) as address:
        with pytest.raises(Unavailable):
            await call(address, **files(authority=authority))


async def test_who_shows_no_certificate_of_the_authority_is_not_answered(
    authority: Authority, strangers: Authority
) -> None:
    async with control(**files(authority.issue(HOST), authority)) as address:
        await call(address, **files(authority.issue("edge"), authority))
        for shown in (None, strangers.issue("edge")):
            with pytest.raises(Unavailable):
                await call(address, **files(shown, authority))


async def test_several_controls_are_known_by_one_name(authority: Authority) -> None:
    shown = files(authority.issue("control"))
    async with control(**shown) as one, control(**shown) as other:
        await call(f"{one},{other}", **files(authority=authority, server_name="control"))


async def test_a_renewed_certificate_is_shown_without_a_restart(authority: Authority, strangers: Authority) -> None:
    shown, renewed = authority.issue(HOST), strangers.issue(HOST)
    async with control(**files(shown)) as address:
        shown.certificate.write_bytes(renewed.certificate.read_bytes())
        await call(address, **files(authority=authority))  # without its key it is half there, and the old one goes on
        shown.private_key.write_bytes(renewed.private_key.read_bytes())
        await call(address, **files(authority=strangers))


@pytest.mark.parametrize("address", ["10.0.0.1:7400", "control:7400", "dns:///control:7400", "127.0.0.1:1,10.0.0.1:1"])
def test_other_machines_are_called_in_clear_only_when_the_operator_says_so(address: str) -> None:
    for of in (of_caller, of_control):
        with pytest.raises(InvalidInput, match=r"would be called without TLS: set control\.certificate_file"):
            of(ControlSettings(), address)
        assert of(ControlSettings(plaintext=True), address) is None


@pytest.mark.parametrize("address", ["unix:/run/control.sock", "127.0.0.1:7400", "[::1]:7400", "localhost:7400"])
def test_this_machine_is_called_in_clear(address: str) -> None:
    assert of_caller(ControlSettings(), address) is None
    assert of_control(ControlSettings(), address) is None


def test_control_with_an_authority_alone_would_speak_in_clear_and_is_refused(authority: Authority) -> None:
    with pytest.raises(InvalidInput, match=r"control needs control\.certificate_file too"):
        of_control(ControlSettings(**files(authority=authority)), "127.0.0.1:7400")


def test_a_caller_without_an_authority_would_speak_in_clear_and_is_refused(authority: Authority) -> None:
    with pytest.raises(InvalidInput, match=r"edge and worker need control\.authority_file too"):
        of_caller(ControlSettings(**files(authority.issue("edge"))), "127.0.0.1:7400")


def test_several_addresses_need_the_name_in_their_certificates(authority: Authority) -> None:
    with pytest.raises(InvalidInput, match=r"control\.server_name must say"):
        of_caller(ControlSettings(**files(authority=authority)), "10.0.0.1:7400,10.0.0.2:7400")


def test_a_certificate_without_its_key_is_refused() -> None:
    with pytest.raises(InvalidInput, match="certificate_file and private_key_file belong together"):
        load_settings(control={"certificate_file": "control.pem"})


def test_files_that_are_no_certificates_are_named(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no certificate")
    text, missing = str(tmp_path / "text"), str(tmp_path / "missing")
    issued, other = authority.issue(HOST), authority.issue("edge")
    wrong = [
        (
            {"certificate_file": missing, "private_key_file": text},
            f"control.certificate_file {missing} with its private",
        ),
        (files(Issued(issued.certificate, other.private_key)), f"control.certificate_file {issued.certificate} with"),
        (files(issued, authority_file=text), f"control.authority_file {text} cannot be used"),
    ]
    for settings, sentence in wrong:
        with pytest.raises(InvalidInput, match=re.escape(sentence)):
            of_control(ControlSettings(**settings), "127.0.0.1:7400")
