"""Range headers (RFC 9110, section 14)."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.ranges import ByteRange, RangeNotSatisfiable, parse_range

SIZE = 10_000


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        (b"bytes=0-499", 0, 500),
        (b"bytes=500-999", 500, 1000),
        (b"bytes=9500-", 9500, 10_000),
        (b"bytes=-500", 9500, 10_000),
        (b"bytes=0-0", 0, 1),
        (b"bytes=-1", 9999, 10_000),
        (b"bytes=9999-10000", 9999, 10_000),
        (b"bytes=0-999999999999999999", 0, 10_000),
        (b"bytes=-999999999999999999", 0, 10_000),
        (b"BYTES=0-1", 0, 2),
        (b"bytes= 0-1 ", 0, 2),
    ],
)
def test_one_sound_range_is_served(header: bytes, start: int, end: int) -> None:
    assert parse_range(header, SIZE) == ByteRange(start, end)


@pytest.mark.parametrize("header", [b"bytes=10000-", b"bytes=10000-10001", b"bytes=-0", b"bytes=999999999999999999-"])
def test_a_range_beyond_the_end_is_not_satisfiable(header: bytes) -> None:
    with pytest.raises(RangeNotSatisfiable):
        parse_range(header, SIZE)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"bytes",
        b"bytes=",
        b"bytes=-",
        b"bytes=a-b",
        b"bytes=5-4",
        b"bytes=0-1,5-6",
        b"bytes=0-1;5",
        b"seconds=0-1",
        b"bytes=+1-2",
        b"bytes=1.0-2",
        b"bytes=0x1-2",
        b"bytes=1-2-3",
        b"bytes=9999999999999999999999-",
        "bytes=\u0661-\u0662".encode(),
        b"bytes\x00=0-1",
    ],
)
def test_anything_else_is_ignored(header: bytes) -> None:
    assert parse_range(header, SIZE) is None


@pytest.mark.parametrize("size", [0, 1])
def test_an_empty_file_has_no_satisfiable_range(size: int) -> None:
    with pytest.raises(RangeNotSatisfiable):
        parse_range(b"bytes=%d-" % size, size)


@pytest.mark.parametrize("piece", [b"0-1,", b"0-,", b"1", b" ", b"-", b"\t0"])
def test_sixty_four_kilobytes_of_ranges_take_no_time(piece: bytes) -> None:
    header = b"bytes=" + piece * (65536 // len(piece))
    began = time.thread_time()
    assert parse_range(header, SIZE) is None
    assert time.thread_time() - began < 0.005


def test_content_range_counts_from_zero_and_includes_the_last_byte() -> None:
    assert ByteRange(500, 1000).content_range(SIZE) == b"bytes 500-999/10000"


@given(st.binary(max_size=80) | st.from_regex(rb"bytes=[0-9 ,\-]{0,30}", fullmatch=True), st.integers(0, 2000))
def test_whatever_is_asked_the_answer_lies_inside_the_file(header: bytes, size: int) -> None:
    try:
        found = parse_range(header, size)
    except RangeNotSatisfiable:
        return
    assert found is None or 0 <= found.start < found.end <= size


@given(st.integers(1, 10**9), st.data())
def test_what_is_printed_is_read_back(size: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(start + 1, size))
    assert parse_range(b"bytes=%d-%d" % (start, end - 1), size) == ByteRange(start, end)
    assert parse_range(b"bytes=%d-" % start, size) == ByteRange(start, size)
    assert parse_range(b"bytes=-%d" % (size - start), size) == ByteRange(start, size)
