"""JSON Schemas (2020-12, as OpenAPI 3.1 wants them) of messages in proto3 JSON."""

from collections.abc import Collection, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

Schema = dict[str, Any]

TEXT_64 = {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
SCALARS: dict[int, Schema] = {
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer", "minimum": 0},
    FieldDescriptor.CPPTYPE_INT64: TEXT_64,
    FieldDescriptor.CPPTYPE_UINT64: TEXT_64,
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
}
WELL_KNOWN: dict[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$"},
    "google.protobuf.FieldMask": {"type": "string"},
}


class Schemas:
    """The schemas of an API's messages and enums, gathered as they are referred to."""

    def __init__(self, comments: Mapping[str, str]) -> None:
        self._comments = comments
        self.components: dict[str, Schema] = {}

    def reference(self, described: Descriptor | EnumDescriptor) -> Schema:
        """A reference to the schema of a message or an enum."""
        if described.name not in self.components:
            self.components[described.name] = {}  # a message may hold itself
            self.components[described.name] = self._described(described)
        return {"$ref": f"#/components/schemas/{described.name}"}

    def message(self, message: Descriptor, without: Collection[str] = ()) -> Schema:
        """The schema of a message, with some fields left out."""
        properties = {field.name: self.field(field) for field in message.fields if field.name not in without}
        return {"type": "object", "properties": properties}

    def field(self, field: FieldDescriptor) -> Schema:
        """The schema of a field."""
        one = self._one(field)
        schema: Schema = {"type": "array", "items": one} if field.is_repeated else one
        comment = self._comments.get(field.full_name)
        return schema | {"description": comment} if comment else schema

    def _one(self, field: FieldDescriptor) -> Schema:
        if field.enum_type:
            return self.reference(field.enum_type)
        if field.message_type:
            known = WELL_KNOWN.get(field.message_type.full_name)
            return known or self.reference(field.message_type)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return {"type": "string", "contentEncoding": "base64"}
        return SCALARS.get(field.cpp_type, {"type": "string"})

    def _described(self, described: Descriptor | EnumDescriptor) -> Schema:
        if isinstance(described, EnumDescriptor):
            schema: Schema = {"type": "string", "enum": [value.name for value in described.values]}
        else:
            schema = self.message(described)
        comment = self._comments.get(described.full_name)
        return schema | {"description": comment} if comment else schema
