"""How many streams an account has, and which of them make room for another."""

from dataclasses import replace

import pytest

from control.playback.session import PlaybackSession
from control.playback.streams import DERIVED, in_use, room_makers
from matinee.errors import ResourceExhausted

NEW = PlaybackSession("new", "t", "a", "x", "Phone", 100, 100, 10_000, device_id="phone")
TV = replace(NEW, session_id="tv", device="TV", device_id="tv", started_at=10)
DESK = replace(NEW, session_id="desk", device="Desk", device_id="desk", started_at=20)


def test_a_stream_is_what_somebody_has_told_of_lately() -> None:
    gone, over = replace(TV, last_seen_at=39), replace(DESK, expires_at=100)
    assert in_use([NEW, gone, over, TV], now=100, idle=60) == [NEW, TV]


def test_nobody_makes_room_where_there_is_some() -> None:
    assert room_makers(NEW, [TV], 2, take_over=True) == []
    assert room_makers(NEW, [TV, DESK], 0, take_over=True) == []


def test_one_too_many_is_refused_with_where_the_others_play() -> None:
    with pytest.raises(ResourceExhausted) as refusal:
        room_makers(NEW, [TV, DESK], 2, take_over=False)
    assert str(refusal.value) == (
        "your account may play 2 streams at a time, and is playing on 'Desk', 'TV': stop it there first"
    )


def test_the_one_begun_first_is_taken_over() -> None:
    assert room_makers(NEW, [TV, DESK], 2, take_over=True) == [TV]
    assert room_makers(NEW, [TV, DESK], 1, take_over=True) == [TV, DESK]


def test_a_device_takes_its_own_stream_over_without_asking() -> None:
    own = replace(NEW, session_id="old")
    assert room_makers(NEW, [TV, own], 2, take_over=False) == [own]


def test_devices_of_the_same_name_may_be_several() -> None:
    nameless = replace(NEW, device_id=f"{DERIVED}1")
    with pytest.raises(ResourceExhausted):
        room_makers(nameless, [replace(nameless, session_id="old")], 1, take_over=False)


def test_a_session_that_comes_back_does_not_stand_in_its_own_way() -> None:
    assert room_makers(TV, [TV], 1, take_over=False) == []
