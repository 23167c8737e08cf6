"""The certificates of gRPC over TCP: what a machine shows, and by whom it knows the others (TLS, RFC 8446).

Without them control is called in clear, and the secret of the house with it. That is done where nobody else can listen:
on a unix socket and on loopback; and elsewhere when the operator says so.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from matinee.errors import InvalidInput
from matinee.settings import ControlSettings
from matinee.settings.values import is_loopback
from matinee.telemetry.expiries import Expiries

CHAIN = "certificate_file"
AUTHORITY = "authority_file"


@dataclass(frozen=True)
class Certificates:
    """PEM: the certificate of this machine with its private key, and those of who vouches for others; empty: none."""

    chain: bytes
    private_key: bytes
    authority: bytes

    def ends(self) -> Mapping[str, datetime]:
        """When they expire, by the setting that names the file.

        A chain ends with the first of its certificates, those of who vouches for others with the last.
        """
        found = {}
        if self.chain:
            found[CHAIN] = min(one.not_valid_after_utc for one in x509.load_pem_x509_certificates(self.chain))
        if self.authority:
            found[AUTHORITY] = max(one.not_valid_after_utc for one in x509.load_pem_x509_certificates(self.authority))
        return found


def of_control(control: ControlSettings, address: str) -> Certificates | None:
    """What control speaks TLS with at an address; None for plain text. Raises `InvalidInput`."""
    if address.startswith("unix:"):
        return None
    if not control.certificate_file:
        if control.authority_file:
            raise InvalidInput("control needs control.certificate_file too, or it would speak without TLS")
        _require_private(control, address)
        return None
    return _read(control)


def of_caller(control: ControlSettings, address: str) -> Certificates | None:
    """What edge and worker speak TLS with to an address; None for plain text. Raises `InvalidInput`."""
    if address.startswith("unix:"):
        return None
    if not control.authority_file:
        if control.certificate_file:
            raise InvalidInput("edge and worker need control.authority_file too, by which they know control")
        _require_private(control, address)
        return None
    if "," in address and not control.server_name:
        raise InvalidInput("control.server_name must say what the certificates at the addresses of control are for")
    return _read(control)


def describe(control: ControlSettings) -> str:
    """For whom the certificate of this machine is, and until when. Raises `InvalidInput` when it cannot be used."""
    own = _read(control)
    subject = x509.load_pem_x509_certificate(own.chain).subject.rfc4514_string()
    return f"{control.certificate_file}, for {subject}, until {_said(own.ends()[CHAIN])}"


def in_files(chain: str, authority: str) -> Certificates:
    """The certificates in two files, without a private key; an empty name stands for none. Raises what reading does."""
    return Certificates(
        Path(chain).read_bytes() if chain else b"", b"", Path(authority).read_bytes() if authority else b""
    )


def show_ends(expiries: Expiries, used: Callable[[], Certificates]) -> None:
    """Have Prometheus read when the certificates in use expire, which may not be those in the files any more."""
    for name in used().ends():
        expiries.show(f"control.{name}", lambda name=name: used().ends()[name].timestamp())  # type: ignore[misc]


def _require_private(control: ControlSettings, address: str) -> None:
    hosts = {one.rpartition(":")[0].strip("[]") for one in address.removeprefix("dns:///").split(",")}
    if not control.plaintext and not all(map(is_loopback, hosts)):
        raise InvalidInput(
            f"control at {address} would be called without TLS: set control.certificate_file and "
            "control.authority_file, or control.plaintext when the network is yours alone"
        )


def _read(control: ControlSettings) -> Certificates:
    own = _loaded(control)
    for setting, end in own.ends().items():
        if end < datetime.now(UTC):
            file = getattr(control, setting)
            raise InvalidInput(f"control.{setting} {file} expired on {_said(end)}: issue it anew")
    return own


def _loaded(control: ControlSettings) -> Certificates:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    chain, key, authority = control.certificate_file, control.private_key_file, control.authority_file
    named = f"control.certificate_file {chain} with its private key"
    try:
        if chain:
            context.load_cert_chain(chain, key, password=lambda: "")  # or it would ask at the terminal
        named = f"control.authority_file {authority}"
        if authority:
            context.load_verify_locations(authority)
        return Certificates(*(Path(file).read_bytes() if file else b"" for file in (chain, key, authority)))
    except (OSError, ValueError) as error:  # of which ssl.SSLError is one
        raise InvalidInput(f"{named} cannot be used: {error}") from error


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
