"""A name server on loopback (RFC 1035): it tells the IPv4 addresses of the names that it was given, and of no other."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address
from socketserver import BaseRequestHandler, UDPServer
from threading import Thread

HEAD = struct.Struct("!6H")
QUESTION = struct.Struct("!HH")
RECORD = struct.Struct("!3HIH4s")
RESPONSE, NO_SUCH_NAME = 0x8580, 0x8583
NAME_OF_QUESTION = 0xC00C
ADDRESS, INTERNET = 1, 1
LIFE_SECONDS = 1


@contextmanager
def name_server(host: str, names: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Answer for as long as the context lasts, which is the server's address."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            question, socket = self.request
            socket.sendto(answer(question, names), self.client_address)

    with UDPServer((host, 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield f"{host}:{server.server_address[1]}"
        finally:
            server.shutdown()


def answer(question: bytes, names: Mapping[str, Sequence[str]]) -> bytes:
    """What a message that asks for a name is answered with."""
    number = HEAD.unpack_from(question)[0]
    name, end = _name(question, HEAD.size)
    kind, _ = QUESTION.unpack_from(question, end)
    asked = question[HEAD.size : end + QUESTION.size]
    addresses = names.get(name, []) if kind == ADDRESS else []
    records = [_record(address) for address in addresses]
    flags = RESPONSE if name in names else NO_SUCH_NAME
    return HEAD.pack(number, flags, 1, len(records), 0, 0) + asked + b"".join(records)


def _record(address: str) -> bytes:
    return RECORD.pack(NAME_OF_QUESTION, ADDRESS, INTERNET, LIFE_SECONDS, 4, IPv4Address(address).packed)


def _name(message: bytes, start: int) -> tuple[str, int]:
    """The name that is written from here on, and where it ends."""
    labels = []
    while length := message[start]:
        labels.append(message[start + 1 : start + 1 + length].decode().lower())
        start += 1 + length
    return ".".join(labels), start + 1
