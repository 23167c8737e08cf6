"""Language tags as RFC 5646 wants them."""

import pytest

from packager.languages import bcp47


@pytest.mark.parametrize(
    ("code", "tag"),
    [("eng", "en"), ("deu", "de"), ("ger", "de"), ("fra", "fr"), ("zho", "zh"), ("chi", "zh"), ("fil", "fil")],
)
def test_the_shortest_tag_is_used(code: str, tag: str) -> None:
    assert bcp47(code) == tag


@pytest.mark.parametrize("code", ["und", "", "e", "EN", "en\n", "x" * 9])
def test_unknown_languages_have_no_tag(code: str) -> None:
    assert bcp47(code) == ""
