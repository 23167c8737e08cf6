"""Boxes of fragments: each is read as it was written, and damage is told in one sentence."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.errors import DataLoss
from packager.boxes import FullBox, box, children
from packager.fragments import (
    DecodeTime,
    FragmentHeader,
    Reference,
    SegmentIndex,
    TrackFragmentHeader,
    TrackRun,
    decode_fragment,
    encode_fragment,
)
from packager.movie import TrackExtends

U32 = st.integers(0, 2**32 - 1)
S32 = st.integers(-(2**31), 2**31 - 1)
U64 = st.integers(0, 2**64 - 1)


@st.composite
def runs(draw: st.DrawFn) -> TrackRun:
    count = draw(st.integers(0, 5))
    column = st.none() | st.lists(U32, min_size=count, max_size=count).map(tuple)
    signed = draw(st.booleans())
    offsets = st.none() | st.lists(S32 if signed else U32, min_size=count, max_size=count).map(tuple)
    return TrackRun(
        count,
        draw(st.none() | S32),
        draw(st.none() | U32),
        draw(column),
        draw(column),
        draw(column),
        draw(offsets),
        signed,
    )


REFERENCES = st.lists(st.builds(Reference, st.integers(0, 2**31 - 1), U32, st.integers(1, 7)), max_size=5).map(tuple)
BOXES: st.SearchStrategy[FullBox] = st.one_of(
    st.builds(FragmentHeader, U32),
    st.builds(TrackFragmentHeader, *[st.none() | U32] * 3, st.booleans(), st.none() | U64),
    st.builds(DecodeTime, U64),
    st.builds(SegmentIndex, U32, U64, REFERENCES, U64),
    st.builds(TrackExtends, U32, U32, U32),
    runs(),
)


def body(data: bytes) -> bytes:
    (only,) = children(data)
    return data[only.payload_start : only.end]


@given(BOXES)
def test_every_box_is_read_as_it_was_written(written: FullBox) -> None:
    assert type(written).decode(body(written.encode())) == written


@given(BOXES, st.data())
def test_a_box_that_was_cut_short_is_refused(written: FullBox, data: st.DataObject) -> None:
    whole = body(written.encode())
    with pytest.raises(DataLoss):
        type(written).decode(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=6), st.integers(0, 2**40), st.integers(1, 9999))
def test_a_fragment_is_read_as_it_was_written(samples: list[bytes], decode_time: int, duration: int) -> None:
    data, moof_size = encode_fragment(1, decode_time, duration, samples)
    moof, mdat = children(data)
    assert (moof.size, mdat.kind) == (moof_size, b"mdat")
    found_time, found = decode_fragment(data[moof.payload_start : moof.end], 0, TrackExtends())
    assert found_time == decode_time
    assert [data[each.offset : each.offset + each.size] for each in found] == samples
    assert [each.shown for each in found] == [decode_time + number * duration for number in range(len(samples))]
    assert all(each.sync for each in found)


def test_only_the_first_picture_of_a_fragment_is_a_sync_sample() -> None:
    data, moof_size = encode_fragment(1, 0, 10, [b"I", b"P", b"B"], (20, 30, 10))
    _, found = decode_fragment(data[8:moof_size], 0, TrackExtends())
    assert [(each.sync, each.shown) for each in found] == [(True, 20), (False, 40), (False, 30)]


def test_defaults_come_from_the_fragment_and_then_from_the_movie() -> None:
    run = TrackRun(2, 100).encode()
    fragment = box(b"traf", TrackFragmentHeader(size=7).encode(), run)
    _, (first, second) = decode_fragment(fragment, 1000, TrackExtends(duration=5, size=9, flags=0x10000))
    assert (first.offset, first.size, first.duration, first.sync) == (1100, 7, 5, False)
    assert (second.offset, second.shown) == (1107, 5)


def test_runs_follow_each_other_when_they_do_not_say_where_they_lie() -> None:
    first, second = (TrackRun(1, offset, sizes=(4,)).encode() for offset in (50, None))
    _, found = decode_fragment(box(b"traf", TrackFragmentHeader().encode(), first, second), 0, TrackExtends())
    assert [each.offset for each in found] == [50, 54]


def test_a_run_that_claims_a_flood_of_samples_is_refused() -> None:
    flood = box(b"trun", struct.pack(">II", 0, 2**32 - 1))
    with pytest.raises(DataLoss, match="claims 4294967295 samples"):
        decode_fragment(box(b"traf", TrackFragmentHeader().encode(), flood), 0, TrackExtends())


def test_many_runs_that_make_a_flood_together_are_refused() -> None:
    run = box(b"trun", struct.pack(">II", 0, 2**16))
    with pytest.raises(DataLoss, match="more than 65536 samples"):
        decode_fragment(box(b"traf", TrackFragmentHeader().encode(), run, run), 0, TrackExtends())


def test_an_index_of_indexes_is_refused() -> None:
    data = bytearray(SegmentIndex(1, 0, (Reference(5, 1, 1),)).encode()[8:])
    data[32] |= 0x80
    with pytest.raises(DataLoss, match="refers to another sidx"):
        SegmentIndex.decode(bytes(data))
