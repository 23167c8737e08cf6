"""What a client of Python 3.13 and later says of a certificate: those ask for all that RFC 5280 does."""

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def greet_strictly(authority: Path, certificate: Path, private_key: Path | None, host: str) -> None:
    """A handshake with who shows this certificate. Raises `ssl.SSLError` when it is not believed."""
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(certificate, private_key)
    believed = ssl.create_default_context(cafile=authority)
    believed.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()
    with ours, ThreadPoolExecutor() as pool:
        answering = pool.submit(_answer, shown, theirs)
        with believed.wrap_socket(ours, server_hostname=host) as greeted:
            greeted.recv(1)
        answering.result()


def _answer(shown: ssl.SSLContext, theirs: socket.socket) -> None:
    with theirs, shown.wrap_socket(theirs, server_side=True) as greeting:
        greeting.send(b".")
