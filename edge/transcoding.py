"""REST to gRPC and back (AIP-127): the request message of an HTTP call, and a message as JSON. No I/O here."""

import json
from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import Any
from urllib.parse import parse_qsl

from google.api.httpbody_pb2 import HttpBody
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message

from edge.bindings import WHOLE_BODY, Binding
from edge.misfits import misfit
from edge.parameters import parameter_field
from matinee.errors import InvalidInput

MOST_PARAMETERS = 64
MOST_VALUES = 1000
"""In a body; no message of ours has a tenth of it."""
DEEPEST = 32
Json = dict[str, Any]


def request_message(
    binding: Binding, path_values: Mapping[str, str], query: bytes, body: bytes, content_type: str = ""
) -> Message:
    """The request of an HTTP call; the path wins over the query, and the query over a body in JSON.

    A raw body goes into its field as it is, with its `content_type`.

    Raises `InvalidInput` for what the message has no place for.
    """
    message = binding.request_class()
    _fill(message, {} if binding.raw else _body(binding, body))
    _fill(message, _parameters(binding, path_values, query))  # over what is there, which has two spellings in JSON
    if binding.raw:
        getattr(message, binding.body).CopyFrom(HttpBody(content_type=content_type, data=body))
    return message


def json_of(message: Message) -> Json:
    """A message as proto3 JSON under the protos' own names; every field without presence is there."""
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _fill(message: Message, document: Json) -> None:
    _check(document)
    try:
        ParseDict(document, message, max_recursion_depth=DEEPEST)
    except (ParseError, UnicodeError) as error:
        raise InvalidInput(misfit(type(message), document)) from error


def _body(binding: Binding, body: bytes) -> Json:
    if not binding.body or not body:
        return {}
    document = _parsed(body)
    if binding.body != WHOLE_BODY:
        return {binding.body: document}
    if not isinstance(document, dict):
        raise InvalidInput("the body must be a JSON object")
    return document


def _parsed(body: bytes) -> Any:
    if body.count(b"[") + body.count(b"{") > MOST_VALUES:  # making them is what takes long
        raise InvalidInput("the body holds too many values")
    try:
        return json.loads(body.decode())
    except UnicodeDecodeError as error:
        raise InvalidInput("the body is not UTF-8") from error
    except RecursionError as error:
        raise InvalidInput("the body is nested too deep") from error
    except ValueError as error:
        raise InvalidInput(f"the body is not JSON: {error}") from error


def _parameters(binding: Binding, path_values: Mapping[str, str], query: bytes) -> Json:
    document: Json = {}
    given = {name: [value] for name, value in path_values.items()}
    for name, texts in (_query(binding, query) | given).items():
        _place(document, name, parameter_field(binding.method.input_type, name).read(texts))
    return document


def _query(binding: Binding, query: bytes) -> dict[str, list[str]]:
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError as error:
        raise InvalidInput("the query is not UTF-8, or has too many parameters") from error
    if pairs and binding.body == WHOLE_BODY:
        raise InvalidInput("this method takes its parameters in the body, and none in the query")
    given: dict[str, list[str]] = {}
    for name, text in pairs:
        given.setdefault(name, []).append(text)
    return given


def _place(document: Json, path: str, value: object) -> None:
    *parents, leaf = path.split(".")
    for parent in parents:
        if not isinstance(document.get(parent), dict):
            document[parent] = {}
        document = document[parent]
    document[leaf] = value


def _check(document: Json) -> None:
    """Refuse what no message has: many values, deep nesting, and NUL characters, which databases stumble over."""
    level: list[object] = [document]
    depth = seen = 0
    while level:
        depth, seen = depth + 1, seen + len(level)
        if depth > DEEPEST:
            raise InvalidInput("the body is nested too deep")
        if seen > MOST_VALUES:
            raise InvalidInput("the body holds too many values")
        if any(isinstance(value, str) and "\0" in value for value in level):
            raise InvalidInput("a text in the request holds a NUL character")
        level = list(islice(chain.from_iterable(map(_parts, level)), MOST_VALUES))


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
