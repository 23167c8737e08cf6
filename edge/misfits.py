"""What is wrong with a request for which its message has no place, in a sentence for the person who sent it."""

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from edge.parameters import TEXT_IN_JSON

LONGEST_NAME = 100
"""Characters of a name that are said back to whoever sent it."""
WHOLE_NUMBER = "a whole number that is not too large"
KINDS = {
    FieldDescriptor.CPPTYPE_INT32: WHOLE_NUMBER,
    FieldDescriptor.CPPTYPE_INT64: WHOLE_NUMBER,
    FieldDescriptor.CPPTYPE_UINT32: WHOLE_NUMBER,
    FieldDescriptor.CPPTYPE_UINT64: WHOLE_NUMBER,
    FieldDescriptor.CPPTYPE_DOUBLE: "a number",
    FieldDescriptor.CPPTYPE_FLOAT: "a number",
    FieldDescriptor.CPPTYPE_BOOL: "true or false",
}
"""What a value must be, by the kind of its field; the other kinds depend on more."""
TEXTS = {"google.protobuf.Timestamp": "a time such as 2027-01-31T18:00:00Z"}
"""What a text must be, by the message that it is in JSON."""


def misfit(message: type[Message], document: dict[str, Any], above: str = "") -> str:
    """Name the first value of a document that does not fit into a message, and say what it must be.

    `above` is the path of the document in the whole request, with a dot at its end.
    """
    for name, value in document.items():
        path = f"{above}{name[:LONGEST_NAME]}"
        field = _field(message.DESCRIPTOR, name)
        if field is None:
            return f"the request has no field {path!r}"
        if not _fits(message, {name: value}):
            inside = _object(field)
            if inside and not field.is_repeated and isinstance(value, dict):
                return misfit(GetMessageClass(inside), value, f"{path}.")
            return f"{path} must be {_wanted(field)}"
    return "the request gives a field twice"


def _field(message: Any, name: str) -> FieldDescriptor | None:
    """The field of a descriptor by either of its names in JSON."""
    field: FieldDescriptor | None = message.fields_by_name.get(name) or message.fields_by_camelcase_name.get(name)
    return field


def _fits(message: type[Message], document: dict[str, Any]) -> bool:
    try:
        ParseDict(document, message())
    except (ParseError, UnicodeError):
        return False
    return True


def _object(field: FieldDescriptor) -> Descriptor | None:
    """The message of a field whose JSON value is an object."""
    inside = field.message_type
    return inside if inside and inside.full_name not in TEXT_IN_JSON else None


def _wanted(field: FieldDescriptor) -> str:
    single = KINDS.get(field.cpp_type) or _described(field)
    return f"a list, each of them {single}" if field.is_repeated else single


def _described(field: FieldDescriptor) -> str:
    if _object(field):
        return "an object"
    if field.message_type:
        return TEXTS.get(field.message_type.full_name, f"a text that is a {field.message_type.name}")
    if field.enum_type:
        return f"one of {', '.join(field.enum_type.values_by_name)}"
    return "a text in base64" if field.type == FieldDescriptor.TYPE_BYTES else "a text"
