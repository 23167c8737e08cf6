"""Why no broker lets us in. aiokafka tells its log alone, so a connection is tried once more without its client."""

import asyncio
import os
import ssl
from collections.abc import Mapping
from typing import Any

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import KafkaConnectionError, KafkaError, SaslAuthenticationFailed, UnsupportedSaslMechanismError

SECONDS = 3.0


class NotLetIn(KafkaConnectionError):  # type: ignore[misc] # aiokafka has no types
    """No broker can be reached, or none lets us in; in words for the person who has set it up."""

    def __str__(self) -> str:
        return str(self.args[0])


async def obstacle(access: Mapping[str, Any]) -> str:
    """What keeps us from the brokers, in a few words; empty when one lets us in after all.

    A broker that is there and refuses says more than one that cannot be reached.
    """
    ours = {name: value for name, value in access.items() if name != "bootstrap_servers"}
    unreached = ""
    for host, port, _ in collect_hosts(access["bootstrap_servers"], randomize=False):
        try:
            async with asyncio.timeout(SECONDS):
                connection = await create_conn(host, port, request_timeout_ms=int(1_000 * SECONDS), **ours)
            connection.close()
        except (ssl.SSLError, KafkaError) as error:
            return f"{host}:{port} {_refusal(error)}"
        except OSError as error:  # TimeoutError is one
            unreached = unreached or f"{host}:{port} cannot be reached: {_distance(error)}"
        else:
            return ""
    return unreached


def _distance(error: OSError) -> str:
    if isinstance(error, ConnectionError) and error.errno:  # whose own words are of Python
        return os.strerror(error.errno)
    return error.strerror or "it does not answer"


def _refusal(error: Exception) -> str:
    """What a broker that is there does."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"is not who events.ca_file vouches for: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLError):
        return f"does not speak TLS as we do: {error.reason}"
    if isinstance(error, SaslAuthenticationFailed):
        return "does not take events.username with events.password"
    if isinstance(error, UnsupportedSaslMechanismError):
        return "does not offer events.sasl_mechanism"
    return "hangs up: it may want TLS (kafka+ssl://), events.certificate_file or events.username, or none of them"
