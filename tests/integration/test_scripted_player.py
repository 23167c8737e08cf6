"""How well a film played, from a player at the public door to what control knows of it."""

import random
import signal
import time
from collections.abc import Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import pytest

from control.analytics.quality import playback_quality
from control.database.engine import open_database
from matinee.errors import NotFound
from protos.v1.analytics_pb2 import GetPlaybackQualityRequest, GetPlaybackQualityResponse
from tests.patience import until
from tests.players import ScriptedPlayer, in_disorder
from tests.playhouse import Playhouse, opened

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

COURSE = [("d", 3_000), ("s", 830), ("p", 24_040), ("r", 1_777), ("p", 9_300), ("k", 640), ("p", 4_000), ("a", 60_000)]
COURSE += [("p", 12_000), ("r", 350), ("p", 75_000), ("r", 4_205), ("p", 1_500)]
TOLERANCE = 0.1
"""Seconds."""


def starts(state: str) -> list[float]:
    """When the script enters a state, in seconds from its beginning."""
    ends = list(accumulate(length for _, length in COURSE))
    return [(end - length) / 1000 for end, (entered, length) in zip(ends, COURSE, strict=True) if entered == state]


async def played(house: Playhouse) -> tuple[dict[str, Any], str]:
    """A new playback session, and its token."""
    answer = (await house.client.post(house.play_path, headers=house.bearer)).json()
    return answer, str(answer["hls"]).split("=")[1].removesuffix("/main.m3u8")


async def posted(house: Playhouse, token: str, events: Sequence[bytes]) -> int:
    """The status that a body of events is answered with."""
    answer = await house.client.post(
        f"/cmcd?URISigningPackage={token}",
        content=b"\n".join(events),
        headers={"content-type": "application/cmcd"},
    )
    return answer.status_code


async def measured(house: Playhouse, session_id: str) -> GetPlaybackQualityResponse:
    """What control knows of a session, which may be nothing yet."""
    database = await open_database(house.settings.database_url)
    try:
        return await playback_quality(database, GetPlaybackQualityRequest(session_id=session_id))
    except NotFound:
        return GetPlaybackQualityResponse()
    finally:
        await database.close()


async def test_the_known_stalls_of_a_scripted_player_are_measured_within_a_tenth_of_a_second(
    tmp_path: Path, house_database_url: str
) -> None:
    async with opened(tmp_path, DATABASE__URL=house_database_url) as house:
        answer, token = await played(house)
        chance = random.Random(7)
        *course, end = ScriptedPlayer(now=time.time_ns() // 1_000_000).run(COURSE)
        events = iter([*in_disorder(course, chance), end])
        while batch := list(islice(events, 5)):
            assert await posted(house, token, batch) == 204

        async def ended() -> bool:
            return (await measured(house, answer["session_id"])).ended == "completed"

        await until(ended)
        found = await measured(house, answer["session_id"])
    stalls = [(stall.start_seconds, stall.length_seconds) for stall in found.stalls]
    assert [start for start, _ in stalls] == pytest.approx(starts("r"), abs=TOLERANCE)
    assert [length for _, length in stalls] == pytest.approx([1.777, 0.35, 4.205], abs=TOLERANCE)
    assert found.startup_seconds == pytest.approx(0.83, abs=TOLERANCE)
    assert found.rebuffer_seconds == pytest.approx(6.332, abs=TOLERANCE)
    assert found.played_seconds == pytest.approx(125.84, abs=TOLERANCE)


async def test_requests_with_reports_are_served_and_measured(tmp_path: Path, house_database_url: str) -> None:
    async with opened(tmp_path, DATABASE__URL=house_database_url) as house:
        answer, _ = await played(house)
        url = str(answer["hls"]).replace("main.m3u8", "v360.mp4")
        for buffered in (0, 6_000):
            got = await house.client.get(f"{url}?CMCD=bl%3D{buffered}%2Cbr%3D300%2Cd%3D6000%2Cot%3Dv")
            assert got.status_code == 200
        assert (await house.client.get(f"{url}?CMCD=%FF")).status_code == 200

        async def started() -> bool:
            return (await measured(house, answer["session_id"])).started

        await until(started)
        assert (await measured(house, answer["session_id"])).average_bitrate == 300_000


async def test_events_that_come_while_control_is_dead_are_measured_once_it_lives_again(
    tmp_path: Path, house_database_url: str
) -> None:
    events = ScriptedPlayer().run([("s", 100), ("p", 5_000), ("r", 1_000), ("p", 5_000)])
    async with opened(tmp_path, DATABASE__URL=house_database_url) as house:
        answer, token = await played(house)
        assert await posted(house, token, events[:1]) == 204
        await house.end("control", signal.SIGKILL)
        assert await posted(house, token, events[1:]) == 204
        await house.start("control")

        async def ended() -> bool:
            return (await measured(house, answer["session_id"])).ended == "completed"

        await until(ended)
        assert (await measured(house, answer["session_id"])).rebuffer_seconds == 1.0
