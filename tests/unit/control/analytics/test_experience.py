"""Quality of experience of scripted players, whose start-up, stalls and played time are known."""

import json
import random
from collections.abc import Iterable

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from control.analytics.experience import CLOCKS_DIFFER_SECONDS, FRAME_RATE, HIGHEST_KILOBITS, Experience, Quality
from control.analytics.timeline import LONGEST_SILENCE_MS, MOST_STALLS, WINDOW
from edge.cmcd.report import Mode, parse_report
from protos.v1.events_pb2 import CmcdReport
from tests.players import START_MS, ScriptedPlayer, in_disorder


def taken(record: bytes, mode: Mode = Mode.EVENT, at: float = START_MS / 1000) -> CmcdReport:
    """What the edge makes of a record."""
    report, received_at = parse_report(record, mode), Timestamp()
    received_at.FromMicroseconds(round(at * 1_000_000))
    return CmcdReport(
        received_at=received_at, version=report.version, mode=report.mode.value, timestamp=report.timestamp,
        event=report.event, state=report.state, keys=report.keys,
    )  # fmt: skip


def experienced(events: Iterable[bytes], lasted: float | None = None) -> Quality:
    """What events tell of a session that had lasted so many seconds when all of them came, if that is known."""
    experience = Experience()
    for event in events:
        experience.add(taken(event), 0 if lasted is None else START_MS / 1000 - lasted)
    return experience.quality()


def course(*states: tuple[str, int]) -> Quality:
    return experienced(ScriptedPlayer().run(states))


def asked(requests: Iterable[tuple[float, str]]) -> Quality:
    """What requests tell, each so many seconds after the first."""
    experience = Experience()
    for seconds, keys in requests:
        experience.add(taken(keys.encode(), Mode.REQUEST, START_MS / 1000 + seconds))
    return experience.quality()


def test_a_film_that_plays_through_has_a_startup_and_no_stall() -> None:
    quality = course(("s", 800), ("p", 60_000))
    assert (quality.startup_seconds, quality.played_seconds, quality.stalls) == (0.8, 60.0, ())
    assert (quality.ended, quality.started, quality.errors) == ("completed", True, 0)


def test_stalls_are_told_with_their_place_and_length() -> None:
    quality = course(("s", 500), ("p", 10_000), ("r", 1_250), ("p", 5_000), ("r", 40), ("p", 1_000))
    assert quality.stalls == ((10.5, 1.25), (16.75, 0.04))
    assert (quality.rebuffer_seconds, quality.stall_count, quality.played_seconds) == (1.29, 2, 16.0)


def test_a_stall_that_the_viewer_pauses_ends_there() -> None:
    assert course(("s", 100), ("p", 1_000), ("r", 700), ("a", 90_000), ("p", 1_000)).rebuffer_seconds == 0.7


def test_waiting_while_seeking_is_no_stall() -> None:
    quality = course(("s", 100), ("p", 1_000), ("k", 200), ("r", 3_000), ("p", 1_000), ("r", 500), ("p", 1))
    assert (quality.rebuffer_seconds, quality.stall_count) == (0.5, 1)


def test_waiting_before_the_first_picture_is_startup() -> None:
    quality = course(("s", 100), ("r", 2_000), ("p", 1_000))
    assert (quality.startup_seconds, quality.stalls) == (2.1, ())


def test_preloading_is_not_yet_startup() -> None:
    assert course(("d", 30_000), ("s", 300), ("p", 1_000)).startup_seconds == 0.3


def test_the_startup_that_a_player_measured_counts() -> None:
    player = ScriptedPlayer()
    player.enter("p", "msd=1234")
    assert experienced(player.events).startup_seconds == 1.234


@pytest.mark.parametrize(("state", "ended", "errors"), [("q", "quit", 0), ("f", "failed", 1)])
def test_an_end_before_the_first_picture_is_told(state: str, ended: str, errors: int) -> None:
    player = ScriptedPlayer()
    player.enter("s")
    player.stay(4_000)
    player.enter(state)
    quality = experienced(player.events)
    assert (quality.started, quality.ended, quality.errors) == (False, ended, errors)
    assert quality.startup_seconds is None


def test_a_film_that_is_watched_again_goes_on() -> None:
    player = ScriptedPlayer()
    player.run([("s", 100), ("p", 1_000)])
    player.enter("p")
    assert experienced(player.events).ended == ""


def test_errors_are_counted_by_their_codes() -> None:
    player = ScriptedPlayer()
    player.enter("p")
    player.say("e", 'ec=("fragLoadError" "bufferStalledError")')
    player.say("t", 'ec=("keySystemError")')
    player.say("e")
    assert experienced(player.events).errors == 4


def test_who_leaves_before_they_wished_to_play_has_not_left_a_start() -> None:
    player = ScriptedPlayer()
    player.enter("d")
    player.stay(4_000)
    player.enter("q")
    assert (experienced(player.events).started, experienced(player.events).ended) == (False, "")


def test_dropped_frames_are_those_since_the_session_began() -> None:
    player = ScriptedPlayer()
    player.enter("p")
    for player.dropped in (3, 3, 41):
        player.stay(1_000)
        player.say("t")
    quality = experienced(reversed(player.events))
    assert quality.dropped_frames == 41


def test_the_bitrate_is_weighted_by_the_time_it_played() -> None:
    player = ScriptedPlayer(bitrate=1_000)
    player.enter("p")
    player.stay(30_000)
    player.bitrate = 4_000
    player.say("bc")
    player.stay(10_000)
    player.enter("r")
    player.stay(60_000)
    player.enter("q")
    quality = experienced(player.events)
    assert quality.average_bitrate == pytest.approx((30 * 1e6 + 10 * 4e6) / 40)
    assert quality.rung_changes == 1


def test_what_is_shown_counts_more_than_what_is_fetched() -> None:
    player = ScriptedPlayer()
    player.enter("p", "pb=(800;v 128;a)")
    player.stay(1_000)
    player.enter("q", "pb=(800;v 128;a)")
    assert experienced(player.events).average_bitrate == 800_000


def test_a_computer_that_slept_did_not_play() -> None:
    player = ScriptedPlayer()
    player.enter("p")
    player.now += 8 * 3_600_000
    player.say("t")
    player.stay(5_000)
    player.enter("q")
    assert experienced(player.events).played_seconds == 5.0


states = st.tuples(st.sampled_from("pprrka"), st.integers(1, 30_000))


@given(st.integers(0, 9_000), st.lists(states, max_size=30), st.randoms(use_true_random=False))
def test_random_courses_are_measured_exactly_whatever_order_the_events_take(
    startup: int, middle: list[tuple[str, int]], chance: random.Random
) -> None:
    course = [("s", startup), ("p", 1), *middle]
    before = dict(zip(range(1, len(course)), (state for state, _ in course), strict=False))
    seeking = False
    stalled = 0
    for place, (state, length) in enumerate(course):
        seeking = state == "k" or (seeking and state == "r")
        stalled += length if state == "r" and not seeking and before.get(place) else 0
    quality = experienced(in_disorder(ScriptedPlayer().run(course), chance))
    assert quality.startup_seconds == startup / 1000
    assert quality.played_seconds == pytest.approx(sum(length for state, length in course if state == "p") / 1000)
    assert quality.rebuffer_seconds == pytest.approx(stalled / 1000)
    assert sum(length for _, length in quality.stalls) == pytest.approx(quality.rebuffer_seconds)


@given(st.lists(states, max_size=40), st.integers(1, 50))
def test_what_is_stored_between_batches_changes_nothing(middle: list[tuple[str, int]], size: int) -> None:
    events = ScriptedPlayer().run([("s", 100), ("p", 500), *middle])
    stored = ""
    for start in range(0, len(events), size):
        experience = Experience.restored(stored)
        for event in events[start : start + size]:
            experience.add(taken(event))
        stored = experience.stored()
    assert Experience.restored(stored).quality() == experienced(events)


@given(st.lists(states, max_size=20))
def test_a_batch_that_comes_twice_changes_nothing(middle: list[tuple[str, int]]) -> None:
    events = list(ScriptedPlayer().run([("s", 100), *middle]))
    assert experienced([*events, *events]) == experienced(events)


def test_a_long_session_that_comes_again_changes_nothing_though_most_of_it_is_settled() -> None:
    player = ScriptedPlayer()
    player.enter("p")
    for _ in range(WINDOW * 2):
        player.now += 10
        player.enter("r")
        player.say("e")
        player.enter("p")
    assert experienced([*player.events, *player.events]) == experienced(player.events)


def test_a_session_of_many_reports_stays_small() -> None:
    player, experience = ScriptedPlayer(), Experience()
    player.enter("p")
    for _ in range(MOST_STALLS + 500):
        for state in "rp":
            player.now += 10
            player.enter(state)
    for event in player.events:
        experience.add(taken(event))
    quality = experience.quality()
    assert (quality.stall_count, len(quality.stalls)) == (MOST_STALLS + 500, MOST_STALLS)
    assert quality.rebuffer_seconds == pytest.approx((MOST_STALLS + 500) * 0.01)
    assert len(json.loads(experience.stored())["timeline"]["latest"]) == WINDOW
    assert len(experience.stored()) < 64 * 1024


def test_requests_alone_give_an_approximation() -> None:
    quality = asked(
        [
            (0.0, "ot=m,su"),
            (0.2, "ot=v,br=3000,d=6000,bl=0,su"),
            (0.9, "ot=v,br=3000,d=6000,bl=6000,su"),
            (2.9, "ot=v,br=6000,d=6000,bl=10000"),
            (18.9, "ot=a,br=128,d=6000,bl=0"),
            (20.9, "ot=v,br=6000,d=6000,bl=0,bs,su"),
        ]
    )
    assert quality.startup_seconds == pytest.approx(0.9, abs=1e-6)
    assert quality.stalls[0] == pytest.approx((18.9, 2.0), abs=1e-6)
    assert quality.played_seconds == pytest.approx(18.0, abs=1e-6)
    assert quality.average_bitrate == pytest.approx(4_500_000)
    assert quality.rung_changes == 1


def test_a_player_that_measured_its_stalls_is_believed() -> None:
    quality = asked([(0, "ot=v,bl=(0),d=2000,v=2"), (1, "ot=v,bl=(2000),v=2,msd=400"), (9, "bs,bsd=(1200 300),v=2")])
    assert (quality.startup_seconds, quality.rebuffer_seconds, quality.stall_count) == (0.4, 1.5, 2)


def test_no_stall_is_longer_than_the_edge_saw_pass() -> None:
    quality = asked([(0, "ot=v,bl=(6000),d=6000,v=2"), (10, "bsd=(86400000),v=2"), (12, "bsd=(86400000),v=2")])
    assert quality.stalls == ((0.0, 10.0), (10.0, 2.0))
    assert quality.rebuffer_seconds == 12.0


def test_a_stall_of_less_than_no_time_takes_nothing_from_the_others() -> None:
    experience = Experience()
    for seconds, told in ((0, "0"), (10, "2000"), (12, "-86400000")):
        at = Timestamp(seconds=START_MS // 1000 + seconds)
        experience.add(CmcdReport(received_at=at, mode="request", keys={"bsd": told}))
    assert experience.quality().rebuffer_seconds == 2.0


def test_stalls_that_there_was_no_time_for_are_not_counted() -> None:
    many = " ".join(["86400000"] * 20)
    quality = asked([(0, f"ot=v,bl=(6000),bsd=({many}),v=2"), (10, f"bsd=({many}),v=2"), (11, "bsd=(0 0 0),v=2")])
    assert (quality.stall_count, quality.rebuffer_seconds) == (1, 10.0)


@pytest.mark.parametrize("mode", Mode)
def test_no_start_takes_longer_than_the_session_has_lasted(mode: Mode) -> None:
    experience = Experience()
    record = f"e=ps,sta=p,ts={START_MS},msd=86400000,v=2,bl=(1)"
    experience.add(taken(record.encode(), mode), START_MS / 1000 - 3)
    assert experience.quality().startup_seconds == 3 + CLOCKS_DIFFER_SECONDS


@pytest.mark.parametrize("mode", Mode)
def test_no_device_drops_more_frames_than_there_was_time_for(mode: Mode) -> None:
    experience = Experience()
    record = f"e=ps,sta=p,ts={START_MS},dfa=100000000,v=2"
    experience.add(taken(record.encode(), mode), START_MS / 1000 - 3)
    assert experience.quality().dropped_frames == FRAME_RATE * (3 + CLOCKS_DIFFER_SECONDS)


def test_no_bitrate_is_higher_than_films_have() -> None:
    experience = Experience()
    for timestamp in (START_MS, START_MS + 10_000):
        claim = {"br": "(999999999999;v)"}
        experience.add(CmcdReport(mode="event", event="t", state="p", timestamp=timestamp, keys=claim))
    assert experience.quality().average_bitrate == 1_000 * HIGHEST_KILOBITS


def test_a_clock_that_the_viewer_turns_forward_makes_no_session_longer_than_it_was() -> None:
    hours = [("s", 540_000), *[("p", 540_000), ("r", 540_000)] * 100]
    quality = experienced(ScriptedPlayer().run(hours), lasted=60)
    most = 60 + CLOCKS_DIFFER_SECONDS + LONGEST_SILENCE_MS / 1000
    assert quality.startup_seconds == 60 + CLOCKS_DIFFER_SECONDS
    assert quality.played_seconds + quality.rebuffer_seconds == most
    assert sum(length for _, length in quality.stalls) == pytest.approx(quality.rebuffer_seconds)


def test_what_a_player_tells_when_it_happens_counts_as_it_says() -> None:
    course = [("s", 900), ("p", 40_000), ("r", 2_500), ("p", 700_000), ("r", 100_000), ("p", 60_000)]
    experience = Experience()
    for event in ScriptedPlayer().run(course):
        told = taken(event)
        told.received_at.FromMilliseconds(told.timestamp)
        experience.add(told, START_MS / 1000)
    quality = experience.quality()
    assert (quality.startup_seconds, quality.played_seconds, quality.rebuffer_seconds) == (0.9, 800.0, 102.5)


def test_requests_tell_of_dropped_frames_too() -> None:
    assert asked([(0, "ot=v,bl=(0),v=2"), (1, "ot=v,dfa=9,v=2"), (2, "ot=a,v=2")]).dropped_frames == 9


def test_requests_that_come_twice_change_nothing() -> None:
    requests = [(0.0, "ot=v,bl=0,d=2000"), (1.0, "ot=v,bl=2000,d=2000"), (8.0, "ot=v,bl=0,bs")]
    assert asked([*requests, *requests]) == asked(requests)


def test_events_count_more_than_requests() -> None:
    experience = Experience()
    for event in ScriptedPlayer().run([("s", 100), ("p", 9_000)]):
        experience.add(taken(event))
    experience.add(taken(b"ot=v,br=9000,bl=0,bs", Mode.REQUEST))
    assert (experience.quality().stall_count, experience.quality().average_bitrate) == (0, 3_000_000)
