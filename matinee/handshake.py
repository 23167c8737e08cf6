"""Why this machine and control do not trust each other, where that is why control cannot be reached.

gRPC tells nothing of it to who calls. So TLS is tried once more without it (RFC 8446).
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import structlog

from matinee import certificates
from matinee.errors import InvalidInput, Unavailable
from matinee.settings import ControlSettings, Settings

SECONDS = 1.0

log = structlog.get_logger()

Reach = Callable[[], Awaitable[object]]


def explained(reach: Reach, settings: Settings) -> Reach:
    """The same call of control, which says what is wrong with certificates when it fails and they are why."""

    async def call() -> None:
        try:
            await reach()
        except Unavailable as error:
            # The address too is found in the thread: that of a socket may ask where the working directory is.
            if found := await asyncio.to_thread(lambda: fault(settings.control, settings.control_address)):
                raise Unavailable(found) from error
            raise

    return call


async def greet(reach: Reach) -> None:
    """Call control once at the start: one that does not answer may come yet, but why it does not is worth a line."""
    try:
        await reach()
    except Unavailable as error:
        log.warning("control does not answer yet", reason=str(error))


def fault(control: ControlSettings, address: str) -> str:
    """What is wrong with the certificates of this machine, or of control at an address, in one sentence.

    Empty when nothing is, or when nobody answers there.
    """
    try:
        own = certificates.of_caller(control, address)
    except InvalidInput as error:
        return str(error)
    if own is None:
        return ""
    places = [urlsplit(f"//{one}") for one in address.removeprefix("dns:///").split(",")]
    return next(filter(None, (_refusal(control, place.hostname or "", place.port or 0) for place in places)), "")


def _refusal(control: ControlSettings, host: str, port: int) -> str:
    there = f"control at {host}:{port}"
    try:
        if _is_answered(control, host, port):
            return ""
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message.rstrip(".")
        return f"{there} is not who control.authority_file {control.authority_file} vouches for: {reason}"
    except ssl.SSLError as error:
        return f"{there} does not speak TLS as this machine does: {error.reason}"
    except OSError:
        return ""
    if control.certificate_file:
        return f"{there} does not trust this machine's control.certificate_file {control.certificate_file}"
    return f"{there} wants to see a certificate: set control.certificate_file"


def _is_answered(control: ControlSettings, host: str, port: int) -> bool:
    """Whether control says anything. In TLS 1.3 it looks at our certificate when we are done with its own."""
    context = ssl.create_default_context(cafile=control.authority_file)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13 and later would ask for more than gRPC does
    context.set_alpn_protocols(["h2"])
    if control.certificate_file:
        context.load_cert_chain(control.certificate_file, control.private_key_file)
    with (
        socket.create_connection((host, port), SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=control.server_name or host) as secured,
    ):
        return bool(secured.recv(1))
