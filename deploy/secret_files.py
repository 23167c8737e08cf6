"""Makes the secrets of docker-compose.yml, a file for each: `python secret_files.py FOLDER DOMAIN`.

What is there already is kept: to have one of them anew, remove its files and run this again. A file can be read by
whoever may enter the folder, which is its owner alone; into a container it is mounted without the folder.
"""

import json
import secrets
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

SERVICES = ("control", "edge", "worker", "scheduler")
"""Who calls or is called with TLS inside: each has a certificate of its own."""
LIFE = timedelta(days=800)
"""Of a certificate; some clients refuse those that live longer."""
SIGNS = x509.KeyUsage(
    key_cert_sign=True, crl_sign=True, digital_signature=False, content_commitment=False, key_encipherment=False,
    data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
)  # fmt: skip
"""What the key of an authority is for; Python 3.13 and later want it said (RFC 5280, 4.2.1.3)."""
OWNER_ONLY = 0o700
READABLE = 0o644


def main(folder: Path, domain: str) -> None:
    """Make what is missing in the folder, for a house that browsers find under a domain."""
    folder.mkdir(exist_ok=True)
    folder.chmod(OWNER_ONLY)
    sign_in = f"sign-in.{domain}"
    make_passwords(folder, domain, sign_in)
    if not (folder / "authority.pem").exists():
        make_certificates(folder)
    if not (folder / "tls.pem").exists():
        make_public_certificate(folder, domain, sign_in)


def make_passwords(folder: Path, domain: str, sign_in: str) -> None:
    """What services and people show to each other, those in pairs from the same word."""
    database = _kept(folder / "postgres_password", _password)
    store = _kept(folder / "matinee_store__secret_access_key", _password)
    client = _kept(folder / "oidc_client_secret", _password)
    for name in ("service_secret", "sign_in_password", "grafana_password"):
        _kept(folder / name, _password)
    _kept(folder / "matinee_database__url", lambda: f"postgresql+asyncpg://matinee:{database}@postgres:5432/matinee")
    _kept(folder / "s3.json", lambda: json.dumps(_identities(store)))
    _kept(folder / "matinee_oidc__providers", lambda: json.dumps(_providers(domain, sign_in, client)))


def make_certificates(folder: Path) -> None:
    """An authority for the services alone, and what it issues to each; its key is not kept.

    Its own certificate is written last: where that is, all are.
    """
    authority = Authority("the services of Matinee")
    for service in SERVICES:
        certificate, key = authority.issue(service)
        _write(folder / f"{service}.pem", certificate)
        _write(folder / f"{service}.key", key)
    _write(folder / "authority.pem", authority.pem)


def make_public_certificate(folder: Path, *names: str) -> None:
    """What browsers see until a certificate of a public authority takes its place, and whom control trusts."""
    authority = Authority("Matinee on this machine")
    _write(folder / "trusted.pem", authority.pem + Path(certifi.where()).read_bytes())
    _write(folder / "tls.pem", b"".join(authority.issue(*names)))  # last, for the same reason


class Authority:
    """Vouches for others as long as the program runs."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        made = self._builder(self._name, self._key.public_key(), x509.BasicConstraints(ca=True, path_length=0))
        self._certificate = made.add_extension(SIGNS, critical=True).sign(self._key, hashes.SHA256())
        self.pem = self._certificate.public_bytes(Encoding.PEM)

    def issue(self, *names: str) -> tuple[bytes, bytes]:
        """A certificate for names or IP addresses, and its private key (PEM)."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
        leaf = x509.BasicConstraints(ca=False, path_length=None)
        made = self._builder(_named(names[0]), key.public_key(), leaf).add_extension(alternatives, critical=False)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM), private

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, constraints: x509.BasicConstraints
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder(
                self._name, subject, key, x509.random_serial_number(), now - timedelta(hours=1), now + LIFE
            )
            .add_extension(constraints, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(self._identifier, critical=False)
        )


def _identities(secret: str) -> dict[str, object]:
    """The accounts of SeaweedFS."""
    credentials = {"accessKey": "matinee", "secretKey": secret}
    return {"identities": [{"name": "matinee", "credentials": [credentials], "actions": ["Admin"]}]}


def _providers(domain: str, sign_in: str, client_secret: str) -> list[dict[str, str]]:
    """The setting `oidc.providers`."""
    told = {"provider": "house", "display_name": domain, "issuer": f"https://{sign_in}", "client_id": "matinee"}
    return [told | {"client_secret": client_secret}]


def _password() -> str:
    return secrets.token_urlsafe(32)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _kept(file: Path, make: Callable[[], str]) -> str:
    """What a file says; it is made when it is not there."""
    if not file.exists():
        _write(file, make().encode())
    return file.read_text()


def _write(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    file.chmod(READABLE)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
