"""Language tags as RFC 5646 wants them."""

import pytest

from packager.languages import bcp47, language_name


@pytest.mark.parametrize(
    ("code", "tag"),
    [("eng", "en"), ("deu", "de"), ("ger", "de"), ("fra", "fr"), ("zho", "zh"), ("chi", "zh"), ("fil", "fil")],
)
def test_the_shortest_tag_is_used(code: str, tag: str) -> None:
    assert bcp47(code) == tag


@pytest.mark.parametrize("code", ["und", "", "e", "EN", "en\n", "x" * 9])
def test_unknown_languages_have_no_tag(code: str) -> None:
    assert bcp47(code) == ""


@pytest.mark.parametrize(
    ("code", "name"),
    [("eng", "English"), ("ger", "German"), ("deu", "German"), ("nob", "Norwegian Bokmål"), ("fil", "Filipino")],
)
def test_people_read_the_name(code: str, name: str) -> None:
    assert language_name(code) == name


def test_a_language_without_a_name_is_called_by_its_code() -> None:
    assert language_name("tlh") == "tlh"


def test_an_unknown_language_has_no_name() -> None:
    assert language_name("und") == ""
