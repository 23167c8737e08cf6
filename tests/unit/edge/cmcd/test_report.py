"""CMCD reports, as CTA-5004-B and CTA-5004 describe them, and as nobody does."""

import time
from contextlib import suppress

import pytest
from http_sf import Token, ser
from hypothesis import given
from hypothesis import strategies as st

from edge.cmcd.keys import EVENTS, RESERVED, STATES
from edge.cmcd.report import MOST_CUSTOM, MOST_RECORDS, Malformed, Mode, parse_records, parse_report
from edge.cmcd.transmission import attached

VERSION_1 = (
    b'bl=21300,br=3200,bs,cid="faec5fc2",d=4004,dl=18500,mtp=48100,nor="..%2F300kbps%2Fsegment35.m4v",'
    b'nrr="12323-48763",ot=v,pr=1.08,rtp=12000,sf=d,sid="6e2fb550",st=v,su,tb=6000'
)
VERSION_2 = (
    b'bl=(2000),br=(3000;v 320;a),cid="id-123",d=4000,dl=1000,mtp=(15000),nor=("a.mp4";r="0-99" "b.mp4"),'
    b'ot=v,rtp=12000,sf=d,sid="s-123",st=v,sta=p,tb=(6000;v),v=2'
)
EVENT = b"e=ps,sn=3,sta=r,ts=1764201600000,v=2"


def keys(record: bytes) -> dict[str, str]:
    return dict(parse_report(record, Mode.REQUEST).keys)


def test_every_key_of_version_1_is_kept_as_it_was_sent() -> None:
    report = parse_report(VERSION_1, Mode.REQUEST)
    assert (report.version, report.timestamp, report.event, report.state) == (1, 0, "", "")
    sent = dict(pair.partition("=")[::2] for pair in VERSION_1.decode().split(","))
    assert report.keys == {key: value or "?1" for key, value in sent.items()}


def test_inner_lists_keep_what_each_value_is_of() -> None:
    report = parse_report(VERSION_2, Mode.REQUEST)
    assert (report.version, report.state, report.keys["br"]) == (2, "p", "(3000;v 320;a)")
    assert report.keys["nor"] == '("a.mp4";r="0-99" "b.mp4")'


def test_an_event_tells_what_when_and_how_it_is_now() -> None:
    report = parse_report(EVENT, Mode.EVENT)
    assert (report.event, report.state, report.timestamp) == ("ps", "r", 1_764_201_600_000)


@pytest.mark.parametrize("missing", ["v", "e", "ts"])
def test_an_event_needs_its_version_kind_and_time(missing: str) -> None:
    rest = b",".join(pair for pair in EVENT.split(b",") if not pair.startswith(missing.encode() + b"="))
    with pytest.raises(Malformed, match=f"no valid {missing}"):
        parse_report(rest, Mode.EVENT)


@pytest.mark.parametrize(
    "pair",
    [
        "br=-1", "br=NaN", "br=1.5", 'br="3000"', "br=?1", "br=1000001", "mtp=100000001", "br=()", "bl=(1 2.5)",
        "bs=1", "ot=film", 'ot="v"',
        "pr=-0.5", "pr=1000", "sta=z", "sf", "sid=unquoted", f'sid="{"x" * 65}"', f'cid="{"x" * 129}"', "d=86400001",
        "rtp=(1)", "ts=-5", "sn=1.0", "nor=(a)", "ec=(1)", f"br=({' '.join(['1'] * 21)})",
    ],
)  # fmt: skip
def test_a_value_that_a_key_must_not_have_is_left_out_alone(pair: str) -> None:
    assert keys(f"{pair},rc=200".encode()) == {"rc": "200"}


@pytest.mark.parametrize("pair", ["unknown=1", 'url="/v/x;URISigningPackage=secret/v.mp4"', "com.example-n=5", "x-y"])
def test_keys_that_nobody_defined_or_that_hold_a_token_are_left_out(pair: str) -> None:
    assert keys(f"{pair},rc=200".encode()) == {"rc": "200"}


def test_custom_keys_are_kept_and_are_few() -> None:
    assert keys(b'com.example-room="cinema",com.example-seat=a7') == {
        "com.example-room": '"cinema"',
        "com.example-seat": "a7",
    }
    many = ",".join(f'x-{number}="{number}"' for number in range(100))
    assert len(keys(many.encode())) == MOST_CUSTOM


def test_of_a_key_that_comes_twice_the_last_counts() -> None:
    assert keys(b"br=1,br=2") == {"br": "2"}


@pytest.mark.parametrize(
    "record",
    [
        b"", b" ", b",", b"br=", b"br==1", b"br=1,", b"BR=1", b"br=1e999", b"br=1" * 2_000, b"\x00", b"br=1\x00",
        b'sid="\xff\xfe"', 'sid="ö"'.encode(), b'sid="a\nb"', b'sid="open', b"br=(1", b"br=((1))", b"v=3,br=1",
        b"br=9999999999999999", b"\xff" * 16_384, b"a" * 16_384, b",".join(b"k%d=1" % n for n in range(10_000)),
        b",".join(b"k%d" % n for n in range(1_000)), b"br=(" + b"1 " * 2_000 + b"1)", b"bs" + b";a" * 2_000,
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused_as_a_whole_and_at_once(record: bytes) -> None:
    began = time.thread_time()
    with pytest.raises(Malformed):
        parse_report(record, Mode.REQUEST)
    assert time.thread_time() - began < 0.1


@given(st.binary(max_size=300) | st.text(alphabet='abcv=,;()"?1-. *\\é@:%', max_size=80).map(str.encode))
def test_no_bytes_break_the_parser(record: bytes) -> None:
    for mode in Mode:
        with suppress(Malformed):
            report = parse_report(record, mode)
            assert sum(len(key) + len(value) for key, value in report.keys.items()) <= 4 * len(record)


printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=64)
integers = st.integers(0, 10**6)
lists = st.lists(st.tuples(integers, st.just({}) | st.just({"v": True}) | st.just({"a": True})), min_size=1, max_size=5)
reports = st.fixed_dictionaries(
    {"v": st.just(2), "e": st.sampled_from(EVENTS).map(Token), "ts": st.integers(0, 10**14)},
    optional={
        "sta": st.sampled_from(STATES).map(Token),
        "bl": lists,
        "br": lists,
        "bs": st.booleans(),
        "sid": printable,
        "nor": st.lists(printable, min_size=1, max_size=3),
        "sn": integers,
        "com.example-x": printable,
    },
)


@given(reports)
def test_what_was_written_is_read_and_reads_the_same_again(members: dict[str, object]) -> None:
    report = parse_report(ser(members).encode(), Mode.EVENT)  # type: ignore[arg-type]
    assert report.keys.keys() == members.keys()
    again = ",".join(f"{key}={value}" for key, value in report.keys.items())
    assert parse_report(again.encode(), Mode.EVENT) == report


@pytest.mark.parametrize("version", [b"v=1", b"v=0"])
def test_there_are_no_events_before_version_2(version: bytes) -> None:
    with pytest.raises(Malformed, match="no valid v"):
        parse_report(EVENT.replace(b"v=2", version), Mode.EVENT)


def test_a_body_has_one_event_a_line() -> None:
    assert parse_records(EVENT + b"\n " + EVENT + b" \n") == ([EVENT, EVENT], 0)


def test_a_line_that_is_no_event_spoils_no_other() -> None:
    assert parse_records(b"e=newer,ts=1,v=2\n" + EVENT + b"\nv=2,ts=1\n{}") == ([EVENT], 3)


def test_a_body_without_any_event_is_refused_for_its_first_line() -> None:
    with pytest.raises(Malformed, match="line 1 is not a CMCD event: it has no valid e"):
        parse_records(b"v=2,ts=1\n{}")


def test_a_body_of_too_many_lines_is_refused() -> None:
    with pytest.raises(Malformed, match=str(MOST_RECORDS)):
        parse_records(b"\n".join([EVENT] * (MOST_RECORDS + 1)))


def test_every_reserved_key_has_a_check_that_refuses_a_date() -> None:
    assert keys(b",".join(f"{key}=@1".encode() for key in RESERVED) + b",bs") == {"bs": "?1"}


@pytest.mark.parametrize(
    ("query", "headers", "record"),
    [
        (b"", {}, None),
        (b"CMCD=br%3D1%2Cbs", {}, b"br=1,bs"),
        (b"a=b&CMCD=br%3D1&URISigningPackage=x", {}, b"br=1"),
        (b"CMCD=br%3D(1+2)", {}, b"br=(1 2)"),
        (b"cmcd=br%3D1&XCMCD=br%3D1", {}, None),
        (b"", {b"cmcd-object": b"br=1", b"cmcd-status": b"bs"}, b"br=1,bs"),
        (b"CMCD=br%3D2", {b"cmcd-session": b'sid="x"'}, b'sid="x"'),
    ],
)
def test_a_request_brings_its_report_in_headers_or_else_in_its_query(
    query: bytes, headers: dict[bytes, bytes], record: bytes | None
) -> None:
    assert attached(query, headers) == record
