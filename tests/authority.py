"""An authority that vouches for the machines of a house, made for one test run."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@dataclass(frozen=True)
class Issued:
    """A certificate and its private key, as files (PEM)."""

    certificate: Path
    private_key: Path


class Authority:
    """Issues certificates into a folder; `file` is its own, which lasts for so many days."""

    def __init__(self, folder: Path, days: int = 30, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self.file = folder / "authority.pem"
        folder.mkdir(parents=True, exist_ok=True)
        ours = x509.BasicConstraints(ca=True, path_length=0)
        self.file.write_bytes(
            _pem(self._builder(self._name, self._key.public_key(), days).add_extension(ours, critical=True), self._key)
        )

    def issue(self, host: str, days: int = 30) -> Issued:
        """A certificate for an IP address or a name for so many days; it takes the place of the one before."""
        key = ec.generate_private_key(ec.SECP256R1())
        issued = Issued(self._folder / f"{host}.pem", self._folder / f"{host}.key")
        names = x509.SubjectAlternativeName([_general_name(host)])
        builder = self._builder(_name(host), key.public_key(), days).add_extension(names, critical=False)
        issued.private_key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        issued.certificate.write_bytes(_pem(builder, self._key))
        return issued

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return x509.CertificateBuilder(
            self._name, subject, key, x509.random_serial_number(), now - timedelta(days=2), now + timedelta(days=days)
        )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> bytes:
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
