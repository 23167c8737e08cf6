"""Request fields that a query parameter or a path variable can fill.

They are scalars, repeated scalars, and those of messages inside, named by their dotted path (`filter.state=…`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from matinee.errors import InvalidInput

TEXT_IN_JSON = frozenset(
    f"google.protobuf.{name}" for name in ("Timestamp", "Duration", "FieldMask", "StringValue", "Int64Value")
)
Value = str | bool | list[str | bool]


@dataclass(frozen=True)
class Parameter:
    """A field of the request, and the dotted path that names it."""

    name: str
    field: FieldDescriptor

    def read(self, texts: list[str]) -> Value:
        """The JSON value of the texts that were given for it. Raises `InvalidInput`."""
        values = [self._scalar(text) for text in texts]
        if self.field.is_repeated:
            return values
        if len(values) > 1:
            raise InvalidInput(f"the parameter {self.name} is given twice")
        return values[0]

    def _scalar(self, text: str) -> str | bool:
        if self.field.type != FieldDescriptor.TYPE_BOOL:
            return text
        if text not in ("true", "false"):
            raise InvalidInput(f"the parameter {self.name} must be true or false")
        return text == "true"


def parameter_field(message: Descriptor, name: str) -> Parameter:
    """The parameter of that name. Raises `InvalidInput` when the message has none."""
    *parents, leaf = name.split(".")
    inside: Descriptor | None = message
    for parent in parents:
        outer = inside.fields_by_name.get(parent) if inside else None
        inside = outer.message_type if outer and not outer.is_repeated else None
    field = inside.fields_by_name.get(leaf) if inside else None
    if field is None or not _is_text(field):
        raise InvalidInput(f"there is no parameter {name[:100]!r}")
    return Parameter(name, field)


def parameters(message: Descriptor, prefix: str = "", above: tuple[Descriptor, ...] = ()) -> Iterator[Parameter]:
    """Every parameter that a message has; messages that hold themselves are not followed."""
    for field in message.fields:
        if _is_text(field):
            yield Parameter(prefix + field.name, field)
        elif field.message_type and not field.is_repeated and field.message_type not in above:
            yield from parameters(field.message_type, f"{prefix}{field.name}.", (*above, message))


def _is_text(field: FieldDescriptor) -> bool:
    return field.message_type is None or field.message_type.full_name in TEXT_IN_JSON
