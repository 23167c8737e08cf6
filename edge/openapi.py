"""The OpenAPI 3.1 document of the REST API, from the descriptors that the gateway serves, and the protos' comments."""

from collections.abc import Iterable, Mapping
from typing import Any

from google.api.httpbody_pb2 import HttpBody

from edge.bindings import WHOLE_BODY, Binding
from edge.cookies import ACCESS_COOKIE
from edge.parameters import Parameter, parameter_field, parameters
from edge.problems import MEDIA_TYPE
from edge.schemas import Schema, Schemas
from matinee import __version__
from matinee.errors import Cause

PROBLEM: Schema = {
    "type": "object",
    "description": "Why a call did not succeed (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence for the person who reads it."},
        "code": {"type": "string", "description": "The canonical status (google.rpc.Code)."},
        "cause": {
            "type": "string",
            "description": "What is in the way of a film, where its viewer can do something about it: "
            f"one of {', '.join(Cause)}.",
        },
        "request_id": {"type": "string", "description": "By which the logs of the server tell more of this request."},
    },
}
SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": ACCESS_COOKIE,
        "description": "Set when a page of the same origin signs in with the header `Matinee-Cookies: 1`; "
        "calls other than GET need that header too.",
    },
}


def openapi(bindings: Iterable[Binding], comments: Mapping[str, str]) -> dict[str, Any]:
    """The document that describes these calls."""
    schemas = Schemas(comments)
    paths: dict[str, Any] = {}
    for binding in bindings:
        paths.setdefault(binding.template.plain, {})[binding.verb.lower()] = _operation(binding, schemas, comments)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Matinee",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.components.items())) | {"Problem": PROBLEM},
            "securitySchemes": SECURITY_SCHEMES,
        },
        "security": [{name: []} for name in SECURITY_SCHEMES],
    }


def _operation(binding: Binding, schemas: Schemas, comments: Mapping[str, str]) -> dict[str, Any]:
    service, method = binding.method.containing_service.name, binding.method
    operation: dict[str, Any] = {
        "operationId": f"{service}_{method.name}{binding.number or ''}",
        "tags": [service],
        "responses": {"200": _answer(binding, schemas), "default": _problem()},
    }
    if comment := comments.get(method.full_name):
        operation["description"] = comment
    if found := _parameters(binding, schemas):
        operation["parameters"] = found
    if binding.body:
        operation["requestBody"] = {"content": _content(binding, schemas)}
    return operation | ({"security": []} if binding.public else {})


def _parameters(binding: Binding, schemas: Schemas) -> list[dict[str, Any]]:
    message, in_path = binding.method.input_type, binding.template.fields
    found = [_parameter(parameter_field(message, name), "path", schemas) for name in in_path]
    if binding.body == WHOLE_BODY:
        return found
    query = (each for each in parameters(message) if each.name not in in_path and not _is_in_body(each, binding))
    return found + [_parameter(each, "query", schemas) for each in query]


def _is_in_body(parameter: Parameter, binding: Binding) -> bool:
    return parameter.name.partition(".")[0] == binding.body


def _parameter(parameter: Parameter, where: str, schemas: Schemas) -> dict[str, Any]:
    schema = schemas.field(parameter.field)
    return {"name": parameter.name, "in": where, "required": where == "path", "schema": schema}


def _content(binding: Binding, schemas: Schemas) -> dict[str, Any]:
    return {"*/*": {}} if binding.raw else {"application/json": {"schema": _body(binding, schemas)}}


def _body(binding: Binding, schemas: Schemas) -> Schema:
    message = binding.method.input_type
    if binding.body != WHOLE_BODY:
        return schemas.field(message.fields_by_name[binding.body])
    return (
        schemas.message(message, without=binding.template.fields)
        if binding.template.fields
        else schemas.reference(message)
    )


def _answer(binding: Binding, schemas: Schemas) -> dict[str, Any]:
    if binding.method.output_type is HttpBody.DESCRIPTOR:
        return {"description": "The content itself.", "content": {"*/*": {}}}
    schema = schemas.reference(binding.method.output_type)
    if binding.streams:
        described = "Server-Sent Events without an end; the data of each is this message."
        return {"description": described, "content": {"text/event-stream": {"schema": schema}}}
    return {"description": "Done.", "content": {"application/json": {"schema": schema}}}


def _problem() -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": "It did not succeed.", "content": {MEDIA_TYPE: {"schema": schema}}}
