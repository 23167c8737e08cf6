"""The certificates of a machine, as gRPC takes them."""

import grpc
import structlog

from matinee import certificates
from matinee.certificates import Certificates
from matinee.errors import InvalidInput
from matinee.settings import ControlSettings
from matinee.telemetry.expiries import Expiries

log = structlog.get_logger()


def of_caller(own: Certificates) -> grpc.ChannelCredentials:
    """What a channel shows, and by whom it knows the server."""
    return grpc.ssl_channel_credentials(own.authority, own.private_key or None, own.chain or None)


def of_control(control: ControlSettings, address: str, expiries: Expiries | None) -> grpc.ServerCredentials | None:
    """What control shows at an address; None for plain text. `expiries` tell when that expires.

    It is read anew for each connection. Raises `InvalidInput` for certificates that cannot be used.
    """
    own = certificates.of_control(control, address)
    if own is None:
        return None
    latest = own
    if expiries:
        certificates.show_ends(expiries, lambda: latest)

    def renew() -> grpc.ServerCertificateConfiguration:
        nonlocal latest
        try:
            latest = certificates.of_control(control, address) or latest
        except InvalidInput as error:  # they may be half written; those from before go on
            log.warning("the certificates cannot be read anew", reason=str(error))
        return _configured(latest)

    return grpc.dynamic_ssl_server_credentials(_configured(own), renew, bool(own.authority))


def _configured(own: Certificates) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(own.private_key, own.chain)], own.authority or None)
