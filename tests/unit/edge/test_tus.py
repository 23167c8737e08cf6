"""The headers of tus: what is read from good ones, and how bad ones are refused."""

import base64
import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.tus import Checksum, Film, checksum, film, http_date, metadata, number
from matinee.errors import InvalidInput


def encoded(value: str | bytes) -> str:
    raw = value.encode() if isinstance(value, str) else value
    return base64.b64encode(raw).decode()


KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=","), min_size=1, max_size=64)
VALUES = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=40)


@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_metadata_are_read_as_they_were_written(values: dict[str, str]) -> None:
    assert metadata(",".join(f"{key} {encoded(value)}" for key, value in values.items())) == values


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (metadata, checksum):
        with contextlib.suppress(InvalidInput):
            read(text)


def test_a_value_may_be_absent_and_spaces_may_stand_around_commas() -> None:
    assert metadata(f"private, title {encoded('Ö')} ,empty ") == {"private": "", "title": "Ö", "empty": ""}


@pytest.mark.parametrize(
    "text",
    [
        "title !!!",
        "title YQ",
        f"title {encoded('a')}b c",
        f"title {encoded('nul' + chr(0))}",
        f"title {encoded('two' + chr(10) + 'lines')}",
        "title " + encoded(b"\xff\xfe"),
        f"title {encoded('a')},title {encoded('b')}",
        ",",
        f"title {encoded('x' * 1024**2)}",
        "ключ YQ==",
        "title À",
    ],
)
def test_hostile_metadata_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^Upload-Metadata "):
        metadata(text)


def test_a_film_without_a_title_is_called_as_its_file() -> None:
    assert film({"filename": "Sita Sings.mkv"}) == Film("Sita Sings", "Sita Sings.mkv", "")


def test_a_new_version_of_a_title_needs_no_name() -> None:
    assert film({"title_id": "0" * 26}) == Film("", "", "", "0" * 26)


@pytest.mark.parametrize("name", ["-i /etc/passwd", "../../x", "'; DROP TABLE titles --", "🎬"])
def test_a_title_may_be_any_line_of_text(name: str) -> None:
    assert film({"title": name}).title == name


@given(st.text(max_size=200), st.text(max_size=255))
def test_names_are_such_as_can_be_shown(title: str, filename: str) -> None:
    with contextlib.suppress(InvalidInput):
        described = film({"title": title, "filename": filename})
        assert described.title.isprintable()
        assert described.filename.isprintable()
        assert 0 < len(described.title) <= 200


def test_spaces_of_every_kind_become_plain_ones() -> None:
    assert film({"filename": "Shot\u202f1\u3000\u200dA.mov"}) == Film("Shot 1 A", "Shot 1 A.mov", "")


def test_a_long_filename_makes_a_title_that_fits() -> None:
    assert film({"filename": "x" * 250 + ".mkv"}).title == "x" * 200


def test_a_declared_sha256_is_hex_of_either_case() -> None:
    digest = hashlib.sha256(b"film").hexdigest()
    assert film({"title": "a", "sha256": digest.upper()}).sha256 == digest


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"title": " \u200d "},
        {"title": "x" * 201},
        {"title": "a", "filename": "x" * 256},
        {"title": "a", "sha256": "00"},
        {"title": "a", "title_id": "../x"},
        {"title": "a", "title_id": "0" * 25 + "z"},
    ],
)
def test_a_film_that_is_not_described_well_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        film(values)


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_a_checksum_is_an_algorithm_and_a_digest(algorithm: str) -> None:
    digest = hashlib.new(algorithm, b"film").digest()
    assert checksum(f"{algorithm} {encoded(digest)}") == Checksum(algorithm, digest)


@pytest.mark.parametrize("text", ["", "sha256", "md5 YQ==", "sha256 YQ==", "sha1 !", f"sha1 {encoded(b'x' * 32)}"])
def test_a_bad_checksum_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^Upload-Checksum "):
        checksum(text)


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "0x10", "1" * 17, " 1", "٣"])
def test_a_number_of_bytes_has_digits_only(text: str) -> None:
    with pytest.raises(InvalidInput, match="Upload-Length must be a number of bytes"):
        number({"Upload-Length": text}, "Upload-Length")


def test_dates_are_those_of_http() -> None:
    assert http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT"
