"""Boxes: what is written is read again, and sizes that lie are noticed."""

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.errors import DataLoss
from packager.boxes import MOST_CHILDREN, Fields, box, children, payload, payloads, read_exactly, read_payload, scan

KINDS = st.binary(min_size=4, max_size=4)


@given(st.lists(st.tuples(KINDS, st.binary(max_size=40)), max_size=8))
def test_boxes_round_trip(boxes: list[tuple[bytes, bytes]]) -> None:
    data = b"".join(box(kind, body) for kind, body in boxes)
    assert [(each.kind, data[each.payload_start : each.end]) for each in children(data)] == boxes
    assert list(scan(io.BytesIO(data))) == children(data)


def test_a_box_may_have_a_64_bit_size() -> None:
    data = struct.pack(">I4sQ", 1, b"mdat", 19) + b"abc" + box(b"free")
    (large, free) = children(data)
    assert (data[large.payload_start : large.end], free.kind) == (b"abc", b"free")


def test_a_box_of_size_0_reaches_to_the_end() -> None:
    data = struct.pack(">I4s", 0, b"mdat") + b"abc"
    (last,) = children(data)
    assert data[last.payload_start : last.end] == b"abc"


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0",
        struct.pack(">I4s", 7, b"free"),
        struct.pack(">I4s", 9, b"free"),
        struct.pack(">I4s", 1, b"free"),
        struct.pack(">I4sQ", 1, b"free", 15),
        struct.pack(">I4sQ", 1, b"free", 2**63),
    ],
)
def test_sizes_that_lie_are_refused(data: bytes) -> None:
    with pytest.raises(DataLoss):
        children(data)
    with pytest.raises(DataLoss):
        list(scan(io.BytesIO(data)))


def test_a_flood_of_children_is_refused() -> None:
    with pytest.raises(DataLoss, match="more than 10000 children"):
        children(box(b"free") * (MOST_CHILDREN + 1))


def test_deep_nesting_costs_nothing() -> None:
    data = b""
    for _ in range(5_000):
        data = box(b"moov", data)
    assert len(children(data)) == 1


def test_payloads_are_found_by_path() -> None:
    data = box(b"moov", box(b"trak", box(b"mdia", b"")), box(b"trak")) + box(b"free", b"x")
    assert len(payloads(data, b"moov", b"trak")) == 2
    assert payload(data, b"free") == b"x"
    with pytest.raises(DataLoss, match="2 boxes 'moov/trak' where one belongs"):
        payload(data, b"moov", b"trak")
    with pytest.raises(DataLoss, match="0 boxes 'mdat'"):
        payload(data, b"mdat")


def test_a_header_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "sparse.mp4").open("w+b") as file:
        file.write(struct.pack(">I4s", 100 * 1024**2, b"moov"))
        file.truncate(100 * 1024**2)
        with pytest.raises(DataLoss, match="more than any header has"):
            read_payload(file, next(scan(file)))


def test_bytes_outside_of_a_file_are_refused() -> None:
    for offset, size in ((0, 5), (-1, 2), (9, 1)):
        with pytest.raises(DataLoss):
            read_exactly(io.BytesIO(b"1234"), offset, size)


def test_fields_that_are_not_there_are_refused() -> None:
    fields = Fields(b"\0\1\2")
    assert fields.take("BH") == (0, 0x0102)
    with pytest.raises(DataLoss, match="ends inside its fields"):
        fields.one("B")
