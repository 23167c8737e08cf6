"""The rules of AIP-127 that our own protos do not use yet, over a small API of a library."""

from typing import Any

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

from edge.bindings import Binding, bindings_of
from edge.openapi import openapi
from edge.parameters import parameters
from edge.transcoding import json_of, request_message
from matinee.errors import InvalidInput
from protos.generate import includes

LIBRARY = """
syntax = "proto3";
package library;
import "google/api/annotations.proto";
import "google/protobuf/timestamp.proto";
service Library {
  rpc Find(FindRequest) returns (Book) {
    option (google.api.http) = {get: "/v1/shelves/{shelf}/books" additional_bindings {get: "/v1/books"}};
  }
  rpc Put(PutRequest) returns (Book) {
    option (google.api.http) = {put: "/v1/{book.name=shelves/*/books/*}" body: "book"};
  }
  rpc Sort(FindRequest) returns (Book) {
    option (google.api.http) = {post: "/v1/shelves/{shelf}/sort" body: "filter"};
  }
  rpc Burn(PutRequest) returns (Book);
  rpc Watch(FindRequest) returns (stream Book) { option (google.api.http) = {post: "/v1/watch"}; }
  rpc Lose(FindRequest) returns (Book) { option (google.api.http) = {get: "/v1/lost/{nothing}"}; }
  rpc Misplace(FindRequest) returns (Book) { option (google.api.http) = {post: "/v1/misplaced" body: "nothing"}; }
}
enum Kind { KIND_UNSPECIFIED = 0; KIND_NOVEL = 1; }
message Filter { string author = 1; bool lent = 2; Filter nested = 3; repeated string written_in = 4; }
message FindRequest {
  string shelf = 1;
  repeated string tags = 2;
  repeated Kind kinds = 3;
  Filter filter = 4;
  repeated Filter filters = 5;
  google.protobuf.Timestamp since = 6;
  optional int64 limit = 7;
  double weight = 8;
  bytes cursor = 9;
}
message Book { string name = 1; int64 pages = 2; }
message PutRequest { Book book = 1; bool overwrite = 2; }
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ServiceDescriptor:
    folder = tmp_path_factory.mktemp("library")
    (folder / "library.proto").write_text(LIBRARY)
    made = folder / "library.binpb"
    outputs = ["--include_imports", f"--descriptor_set_out={made}"]
    assert protoc.main(["protoc", *includes(), f"-I{folder}", *outputs, "library.proto"]) == 0
    pool = descriptor_pool.DescriptorPool()
    for file in FileDescriptorSet.FromString(made.read_bytes()).file:
        pool.Add(file)
    return pool.FindServiceByName("library.Library")


def calls(library: ServiceDescriptor, method: str) -> list[Binding]:
    return list(bindings_of(library.methods_by_name[method]))


def found(library: ServiceDescriptor, query: bytes) -> Any:
    return json_of(request_message(calls(library, "Find")[1], {}, query, b""))


def test_additional_bindings_are_calls_of_their_own(library: ServiceDescriptor) -> None:
    templates = [(call.verb, call.template.text) for call in calls(library, "Find")]
    assert templates == [("GET", "/v1/shelves/{shelf}/books"), ("GET", "/v1/books")]


def test_a_method_without_an_annotation_has_no_call(library: ServiceDescriptor) -> None:
    assert calls(library, "Burn") == []


@pytest.mark.parametrize("method", ["Watch", "Lose", "Misplace"])
def test_an_annotation_that_cannot_be_served_is_refused(library: ServiceDescriptor, method: str) -> None:
    with pytest.raises(InvalidInput):
        calls(library, method)


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        (b"tags=a&tags=b", "tags", ["a", "b"]),
        (b"kinds=KIND_NOVEL", "kinds", ["KIND_NOVEL"]),
        (b"filter.author=Lem&filter.lent=true", "filter", {"author": "Lem", "lent": True, "written_in": []}),
        (
            b"filter.nested.author=Lem",
            "filter",
            {
                "author": "",
                "lent": False,
                "written_in": [],
                "nested": {"author": "Lem", "lent": False, "written_in": []},
            },
        ),
        (b"since=2026-01-02T03:04:05Z", "since", "2026-01-02T03:04:05Z"),
        (b"limit=9007199254740993", "limit", "9007199254740993"),
        (b"weight=1.5", "weight", 1.5),
        (b"cursor=AQI%3D", "cursor", "AQI="),
        (b"tags=a%26b&tags=", "tags", ["a&b", ""]),
    ],
)
def test_a_query_fills_fields_of_every_kind(
    library: ServiceDescriptor, query: bytes, field: str, value: object
) -> None:
    assert found(library, query)[field] == value


@pytest.mark.parametrize(
    "query",
    [
        b"filter=x",
        b"filters.author=Lem",
        b"filter.nobody=x",
        b"shelf.x=1",
        b"filter.lent=yes",
        b"filter.lent=true&filter.lent=true",
        b"kinds=KIND_ODD",
        b"since=yesterday",
        b"limit=1.5",
        b"weight=heavy",
        b"filter..author=x",
        b".=x",
    ],
)
def test_what_fits_no_field_is_refused(library: ServiceDescriptor, query: bytes) -> None:
    with pytest.raises(InvalidInput):
        found(library, query)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (b"limit=1.5", "limit must be a whole number that is not too large"),
        (b"limit=9223372036854775808", "limit must be a whole number that is not too large"),
        (b"weight=heavy", "weight must be a number"),
        (b"kinds=KIND_ODD", "kinds must be a list, each of them one of KIND_UNSPECIFIED, KIND_NOVEL"),
        (b"since=yesterday", "since must be a time such as 2027-01-31T18:00:00Z"),
        (b"cursor=A", "cursor must be a text in base64"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named_with_what_it_must_be(
    library: ServiceDescriptor, query: bytes, sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=f"^{sentence}$"):
        found(library, query)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"name": 7}', "book.name must be a text"),
        (b'{"name": "\\ud800"}', "book.name must be a text"),
        (b'{"pages": "many"}', "book.pages must be a whole number that is not too large"),
        (b'{"pages": true}', "book.pages must be a whole number that is not too large"),
        (b'{"author": "Lem"}', "the request has no field 'book.author'"),
        (b"7", "book must be an object"),
    ],
)
def test_a_value_in_a_body_that_does_not_fit_is_named_with_what_it_must_be(
    library: ServiceDescriptor, body: bytes, sentence: str
) -> None:
    (call,) = calls(library, "Put")
    with pytest.raises(InvalidInput, match=f"^{sentence}$"):
        request_message(call, {}, b"", body)


def test_a_body_may_fill_one_field_beside_path_and_query(library: ServiceDescriptor) -> None:
    (call,) = calls(library, "Put")
    values = call.template.match("/v1/shelves/1/books/2")
    assert values is not None
    message = request_message(call, values, b"overwrite=true", b'{"pages": 412}')
    assert json_of(message) == {"book": {"name": "shelves/1/books/2", "pages": "412"}, "overwrite": True}


def test_the_query_wins_over_the_body_however_that_is_spelled(library: ServiceDescriptor) -> None:
    (call,) = calls(library, "Sort")
    body = b'{"author": "Lem", "written_in": ["de", "en"], "writtenIn": ["pl"]}'
    message = request_message(call, {"shelf": "1"}, b"filter.written_in=fr", body)
    assert json_of(message)["filter"] == {"author": "Lem", "lent": False, "written_in": ["fr"]}


def test_a_message_that_holds_itself_gives_a_finite_list_of_parameters(library: ServiceDescriptor) -> None:
    names = [each.name for each in parameters(library.methods_by_name["Find"].input_type)]
    assert {"filter.author", "filter.lent", "since"} <= set(names)
    assert len(names) < 16


def test_openapi_tells_them_apart(library: ServiceDescriptor) -> None:
    document = openapi([*calls(library, "Find"), *calls(library, "Put")], comments={})
    names = [operation["operationId"] for verbs in document["paths"].values() for operation in verbs.values()]
    assert len(names) == len(set(names))
    assert list(document["paths"]) == ["/v1/shelves/{shelf}/books", "/v1/books", "/v1/{book.name}"]
