"""The data of an event: its message as proto3 JSON in UTF-8, with the names of the contract."""

from typing import TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

from matinee.errors import InvalidInput

Kind = TypeVar("Kind", bound=Message)


def encoded(message: Message) -> bytes:
    """The data of a message."""
    return json_format.MessageToJson(
        message, preserving_proto_field_name=True, indent=None, ensure_ascii=False
    ).encode()


def decoded(kind: type[Kind], data: bytes) -> Kind:
    """The message of data; fields of a contract to come are passed over. Raises `InvalidInput` for what is none."""
    try:
        return json_format.Parse(data, kind(), ignore_unknown_fields=True)
    except (json_format.ParseError, UnicodeError, RecursionError) as error:
        raise InvalidInput(f"the data is no {kind.DESCRIPTOR.name}") from error
