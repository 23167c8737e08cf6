"""The OpenAPI document: valid, whole, and told in the words of the protos."""

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from edge.bindings import bindings
from edge.openapi import openapi
from protos.comments import DESCRIPTORS, read_comments


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi(bindings(), read_comments(DESCRIPTORS.read_bytes()))


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_every_call_is_in_it_under_a_name_of_its_own(document: dict[str, Any]) -> None:
    listed = {(path, verb.upper()) for path, verbs in document["paths"].items() for verb in verbs}
    assert listed == {(binding.template.plain, binding.verb) for binding in bindings()}
    names = [operation["operationId"] for verbs in document["paths"].values() for operation in verbs.values()]
    assert len(names) == len(set(names))


def test_what_only_services_may_call_is_not_in_it(document: dict[str, Any]) -> None:
    assert "GetKeys" not in str(document)
    assert "LeaseJob" not in str(document)


def test_the_comments_of_the_protos_are_its_text(document: dict[str, Any]) -> None:
    stop = document["paths"]["/api/v1/playback/{session_id}:stop"]["post"]
    assert stop["description"] == "Ends a playback session: its URLs answer 403 within a second."
    session = document["components"]["schemas"]["PlayResponse"]["properties"]
    assert session["hls"] == {"type": "string", "description": "Signed URL of the HLS main playlist."}


def test_every_call_says_what_it_does(document: dict[str, Any]) -> None:
    operations = [operation for verbs in document["paths"].values() for operation in verbs.values()]
    assert [operation["operationId"] for operation in operations if "description" not in operation] == []


def test_fields_go_where_the_gateway_reads_them(document: dict[str, Any]) -> None:
    play = document["paths"]["/api/v1/titles/{title_id}:play"]["post"]
    assert [(each["name"], each["in"], each["required"]) for each in play["parameters"]] == [("title_id", "path", True)]
    assert list(play["requestBody"]["content"]["application/json"]["schema"]["properties"]) == [
        "device",
        "device_id",
        "take_over",
    ]
    jobs = document["paths"]["/api/v1/jobs"]["get"]["parameters"]
    assert [(each["name"], each["in"]) for each in jobs] == [
        ("page_size", "query"),
        ("page_token", "query"),
        ("waiting", "query"),
    ]


@pytest.mark.parametrize(
    ("message", "field", "schema"),
    [
        ("Job", "size_bytes", {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}),
        ("Job", "state", {"$ref": "#/components/schemas/JobState"}),
        ("Job", "created_at", {"type": "string", "format": "date-time"}),
        ("Job", "cancel_requested", {"type": "boolean"}),
        ("ListJobsResponse", "jobs", {"type": "array", "items": {"$ref": "#/components/schemas/Job"}}),
    ],
)
def test_types_are_those_of_proto3_json(
    document: dict[str, Any], message: str, field: str, schema: dict[str, Any]
) -> None:
    assert document["components"]["schemas"][message]["properties"][field] == schema


def test_public_calls_need_no_credential(document: dict[str, Any]) -> None:
    assert document["paths"]["/api/v1/auth:login"]["post"]["security"] == []
    assert "security" not in document["paths"]["/api/v1/account"]["get"]


def test_failures_are_problems(document: dict[str, Any]) -> None:
    for verbs in document["paths"].values():
        for operation in verbs.values():
            assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"]
