"""Path templates as google/api/http.proto gives them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.templates import PathTemplate
from matinee.errors import InvalidInput


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("/v1/titles", "/v1/titles", {}),
        ("/v1/titles", "/v1/titles/", None),
        ("/v1/titles/{title_id}", "/v1/titles/t1", {"title_id": "t1"}),
        ("/v1/titles/{title_id}", "/v1/titles/", None),
        ("/v1/titles/{title_id}", "/v1/titles/a/b", None),
        ("/v1/titles/{title_id}", "/v1/titles/t1:play", None),
        ("/v1/titles/{title_id}:play", "/v1/titles/t1:play", {"title_id": "t1"}),
        ("/v1/titles/{title_id}:play", "/v1/titles/t1", None),
        ("/v1/titles/{title_id}/poster", "/v1/titles/t1/poster", {"title_id": "t1"}),
        ("/v1/{name=shelves/*/books/*}", "/v1/shelves/1/books/2", {"name": "shelves/1/books/2"}),
        ("/v1/{name=shelves/*}", "/v1/shelves/1/2", None),
        ("/v1/{name=files/**}:read", "/v1/files/a/b/c:read", {"name": "files/a/b/c"}),
        ("/v1/{book.id}/*", "/v1/7/any", {"book.id": "7"}),
        ("/v1/a.c", "/v1/abc", None),
        ("/v1/titles/{title_id}", "/v1/titles/t\x00", None),
        ("/v1/titles/{title_id}", "/v1/titles/t\n", None),
    ],
)
def test_a_template_matches_its_own_paths_only(template: str, path: str, values: dict[str, str] | None) -> None:
    assert PathTemplate(template).match(path) == values


@pytest.mark.parametrize("text", ["", "v1/titles", "/v1/{", "/v1/{Title}", "/v1/}", "/v1/{a=}"])
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        PathTemplate(text).match("/v1/titles")


@given(st.from_regex(r"[^/:\x00-\x1f\x7f]+", fullmatch=True))
def test_every_value_comes_back_as_it_was(value: str) -> None:
    assert PathTemplate("/v1/titles/{title_id}:play").match(f"/v1/titles/{value}:play") == {"title_id": value}


def test_openapi_writes_variables_without_their_patterns() -> None:
    assert PathTemplate("/v1/{name=files/**}:read").plain == "/v1/{name}:read"
