"""What callers may send, and page tokens."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from control import inputs
from control.accounts.mail.letter import Letter
from control.identifiers import made_at, new_id
from control.pages import DEFAULT_SIZE, LARGEST_SIZE, PageRequest
from matinee.errors import InvalidInput


@pytest.mark.parametrize("value", ["a@b.example", " A@B.example ", "e@bücher.example", "a+b@localhost"])
def test_an_email_address_is_taken_in_lower_case(value: str) -> None:
    assert inputs.email(value) == value.strip().lower()


@pytest.mark.parametrize(
    "value", ["", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a\0@b", "x" * 65 + "@b", "\u212a@b", "a@" + "İ" * 250]
)
def test_what_is_no_email_address_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match="email"):
        inputs.email(value)


SPECIALS = st.sampled_from(["a", "é", ".", "..", "=?utf-8?q?=0aBcc?=", "-", "%0a", "\u202e", "\u0301", "'", "ⓧ"])


@given(st.lists(SPECIALS | st.characters()).map("".join), st.lists(SPECIALS | st.characters()).map("".join))
@example("a..b", "c")
@example("é", "c")
def test_a_letter_can_be_written_to_whatever_is_an_email_address(local: str, domain: str) -> None:
    try:
        address = inputs.email(f"{local}@{domain}")
    except InvalidInput:
        return
    message = Letter(address, "Subject", "text").message("films@example.org", "one", 0)
    assert [one.addr_spec for one in message["To"].addresses] == [address]


@given(st.text())
def test_a_line_is_clean_or_refused(value: str) -> None:
    try:
        cleaned = inputs.line("name", value, 20)
    except InvalidInput:
        return
    assert 0 < len(cleaned) <= 20
    assert cleaned == value.strip()
    assert not set("\0\n\r\t\x7f\x1b") & set(cleaned)


def test_lines_may_break_in_text_but_nothing_else_may_hide_there() -> None:
    assert inputs.text("synopsis", " one\r\ntwo\tthree ", 100) == "one\ntwo\tthree"
    for value in ("a\0b", "a\x1bb", "a\rb"):
        with pytest.raises(InvalidInput, match="synopsis"):
            inputs.text("synopsis", value, 100)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_seconds_are_finite_and_not_negative(value: float) -> None:
    try:
        assert 0 <= inputs.seconds("duration", value) < float("inf")
    except InvalidInput:
        assert not 0 <= value < float("inf")


def test_ids_grow_with_time_and_are_taken_back() -> None:
    moments = iter([0.0, 1.0, 1.000001, 1.8e9, 5e10])
    made = [new_id(lambda: next(moments)) for _ in range(5)]
    assert made == sorted(made)
    assert [inputs.identifier("id", one) for one in made] == made


def test_a_page_shows_what_was_asked_for_and_names_the_next() -> None:
    ids = [new_id(time.time) for _ in range(5)]
    page = PageRequest.read(2, "").cut(ids[:3], str)
    assert (page.items, PageRequest.read(2, page.next_token).before) == (ids[:2], ids[1])
    assert PageRequest.read(5, "").cut(ids, str).next_token == ""


@pytest.mark.parametrize(("asked", "size"), [(0, DEFAULT_SIZE), (1, 1), (100, 100), (2**31 - 1, LARGEST_SIZE)])
def test_page_sizes(asked: int, size: int) -> None:
    assert PageRequest.read(asked, "").size == size


@given(st.text(max_size=60))
def test_a_page_token_is_ours_or_refused(token: str) -> None:
    try:
        before = PageRequest.read(1, token).before
    except InvalidInput:
        return
    assert before == "" or inputs.identifier("before", before)


def test_an_identifier_tells_when_it_was_made() -> None:
    assert made_at(new_id(lambda: 1_795_780_800.25)) == 1_795_780_800.25
