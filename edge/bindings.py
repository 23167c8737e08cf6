"""Which HTTP calls there are: the `google.api.http` annotations of `protos/v1` (AIP-127).

A method without an annotation has no binding, and cannot be reached.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import protos.v1
from edge.parameters import parameter_field
from edge.templates import PathTemplate
from matinee.errors import InvalidInput
from protos.v1.access_pb2 import ACCESS_PUBLIC, access

WHOLE_BODY = "*"


@dataclass(frozen=True)
class Binding:
    """One HTTP method and path template that reaches one gRPC method."""

    method: MethodDescriptor
    verb: str
    template: PathTemplate
    body: str
    """The request field that the body fills; `*` for every field that the path leaves, empty for none."""
    number: int = 0
    """0 for the annotation itself, then one more for each of its additional bindings."""

    @property
    def rpc(self) -> str:
        """The name by which gRPC calls the method."""
        return f"/{self.method.containing_service.full_name}/{self.method.name}"

    @cached_property
    def public(self) -> bool:
        """Whether anybody may call it, signed in or not."""
        return bool(self.method.GetOptions().Extensions[access] == ACCESS_PUBLIC)

    @cached_property
    def raw(self) -> bool:
        """Whether the body is taken as the bytes that it is (google.api.HttpBody), and not as JSON."""
        field = self.method.input_type.fields_by_name.get(self.body)
        return bool(field and field.message_type and field.message_type.full_name == HttpBody.DESCRIPTOR.full_name)

    @cached_property
    def streams(self) -> bool:
        """Whether the answer is a stream of messages, each a Server-Sent Event."""
        return bool(self.method.server_streaming)

    @cached_property
    def request_class(self) -> type[Message]:
        """The class of the request message."""
        return GetMessageClass(self.method.input_type)

    @cached_property
    def response_class(self) -> type[Message]:
        """The class of the response message."""
        return GetMessageClass(self.method.output_type)


def bindings() -> list[Binding]:
    """Every HTTP call that the protos declare. Raises `InvalidInput` for an annotation that cannot be served."""
    return [binding for method in _methods() for binding in bindings_of(method)]


def bindings_of(method: MethodDescriptor) -> Iterator[Binding]:
    """The HTTP calls that reach one method."""
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    for number, one in enumerate((rule, *rule.additional_bindings)):
        if pattern := one.WhichOneof("pattern"):
            binding = _binding(method, one, pattern, number)
            _check(binding, one)
            yield binding


def _methods() -> Iterator[MethodDescriptor]:
    for module in pkgutil.iter_modules(protos.v1.__path__, "protos.v1."):
        if module.name.endswith("_pb2"):
            for service in importlib.import_module(module.name).DESCRIPTOR.services_by_name.values():
                yield from service.methods


def _binding(method: MethodDescriptor, rule: HttpRule, pattern: str, number: int) -> Binding:
    verb, path = (rule.custom.kind, rule.custom.path) if pattern == "custom" else (pattern, getattr(rule, pattern))
    return Binding(method, verb.upper(), PathTemplate(path), rule.body, number)


def _check(binding: Binding, rule: HttpRule) -> None:
    method = binding.method
    if method.client_streaming or rule.response_body:
        raise InvalidInput(f"{method.full_name}: a stream of requests or a response_body has no REST form here")
    if method.server_streaming and binding.verb != "GET":
        raise InvalidInput(f"{method.full_name}: browsers can follow a stream by GET alone")
    if binding.body not in ("", WHOLE_BODY, *method.input_type.fields_by_name):
        raise InvalidInput(f"{method.full_name}: the request has no field {binding.body!r} for the body")
    for name in binding.template.fields:
        parameter_field(method.input_type, name)
