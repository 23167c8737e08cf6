"""gRPC over TLS: who is called, who is answered, and what is refused before anybody is."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import load_pem_x509_certificate
from prometheus_client import CollectorRegistry

from matinee.certificates import of_caller, of_control
from matinee.errors import InvalidInput, Unavailable
from matinee.kafka_bus.bus import open_kafka_bus
from matinee.rpc.call_errors import translated
from matinee.rpc.channel import open_control
from matinee.settings import ControlSettings, load_settings
from matinee.telemetry.expiries import Expiries
from protos.v1.auth_pb2 import GetKeysRequest
from protos.v1.auth_pb2_grpc import AuthServiceStub
from tests.authority import Authority, Issued
from tests.patience import PATIENCE
from tests.secured_control import HOST, control, files

pytestmark = pytest.mark.anyio


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


@pytest.mark.parametrize("of", [of_caller, of_control])
def test_a_machine_whose_certificate_has_expired_says_which_and_since_when(
    of: Callable[[ControlSettings, str], Any], authority: Authority
) -> None:
    issued = authority.issue("edge", days=-1)
    end = load_pem_x509_certificate(issued.certificate.read_bytes()).not_valid_after_utc
    sentence = rf"^control\.certificate_file {issued.certificate} expired on {end:%Y-%m-%d %H:%M} UTC: issue it"
    with pytest.raises(InvalidInput, match=sentence):
        of(ControlSettings(**files(issued, authority)), "127.0.0.1:7400")


def test_an_authority_is_good_as_long_as_one_of_its_certificates_is(authority: Authority, tmp_path: Path) -> None:
    former = Authority(tmp_path / "former", days=-1)
    with pytest.raises(InvalidInput, match=rf"^control\.authority_file {former.file} expired on 20"):
        of_caller(ControlSettings(**files(authority=former)), "127.0.0.1:7400")
    former.file.write_bytes(former.file.read_bytes() + authority.file.read_bytes())
    of_caller(ControlSettings(**files(authority=former)), "127.0.0.1:7400")


async def test_an_expired_certificate_takes_the_place_of_none(authority: Authority) -> None:
    shown = authority.issue(HOST)
    async with control(**files(shown)) as address:
        authority.issue(HOST, days=-1)
        await call(address, **files(authority=authority))


def expiry(registry: CollectorRegistry, setting: str) -> float | None:
    """When Prometheus reads that it expires, in days from now."""
    end = registry.get_sample_value("matinee_certificate_expiry_timestamp_seconds", {"setting": setting})
    return None if end is None else round((end - time()) / 86_400, 1)


async def test_it_is_told_when_what_a_caller_shows_and_trusts_expires(tmp_path: Path, authority: Authority) -> None:
    registry = CollectorRegistry()
    shown = files(authority.issue("edge", days=7), authority)
    async with open_control(load_settings(control={"address": f"{HOST}:9", **shown}), Expiries(registry)):
        authority.issue("edge", days=90)  # who has read the one before goes on with it
        assert (expiry(registry, "control.certificate_file"), expiry(registry, "control.authority_file")) == (7, 30)


async def test_it_is_told_when_what_is_shown_to_kafka_expires(authority: Authority) -> None:
    registry, own = CollectorRegistry(), authority.issue("control", days=7)
    shown = {"certificate_file": str(own.certificate), "key_file": str(own.private_key), "ca_file": str(authority.file)}
    settings = load_settings(events={"url": f"kafka+ssl://{HOST}:9", **shown})
    async with open_kafka_bus(settings.events, Expiries(registry)):
        assert (expiry(registry, "events.certificate_file"), expiry(registry, "events.ca_file")) == (7, 30)


CONNECT = """
import sys
from matinee.kafka_bus.cluster import connection
from matinee.settings import EventSettings
connection(EventSettings(url="kafka+ssl://127.0.0.1:9", certificate_file=sys.argv[1], key_file=sys.argv[2]))
"""


def test_a_key_for_kafka_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(authority: Authority) -> None:
    own = authority.issue("control")
    key = load_pem_private_key(own.private_key.read_bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    own.private_key.write_bytes(encrypted)
    command = [sys.executable, "-c", CONNECT, str(own.certificate), str(own.private_key)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as done:
        try:
            done.wait(PATIENCE)  # with its input open, as that of a service under the supervisor is
        finally:
            done.kill()
        assert done.stderr
        assert b"InvalidInput: the certificates in [events] cannot be used" in done.stderr.read()


async def test_it_is_told_when_what_control_has_renewed_expires(authority: Authority) -> None:
    registry = CollectorRegistry()
    async with control(Expiries(registry), **files(authority.issue(HOST, days=7))) as address:
        assert expiry(registry, "control.certificate_file") == 7
        authority.issue(HOST, days=90)
        await call(address, **files(authority=authority))
        assert expiry(registry, "control.certificate_file") == 90
        assert expiry(registry, "control.authority_file") is None
