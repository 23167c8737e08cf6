"""What becomes of playback while its title is edited: its window ends or moves, it is hidden, or needs another plan."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from control.playback.access import CLOSED
from protos.v1 import playback_pb2 as pb
from protos.v1.auth_pb2 import LoginRequest
from protos.v1.catalogue_pb2 import UnpublishTitleRequest
from protos.v1.events_pb2 import MoviePaused
from tests.catalogue import update
from tests.control_house import ASSET, House, Metadata, TurnedClock, bearer, refusal, running_control
from tests.edges import listening, revoked
from tests.offers import make_plan, subscribe
from tests.patience import within

pytestmark = pytest.mark.anyio

HOUR = 3_600
BRIEF = 30
"""Seconds without a sign of life for which a player is not yet taken to have gone."""


def after(house: House, seconds: float) -> Timestamp:
    return Timestamp(seconds=int(house.clock() + seconds))


async def film(house: House, **window: Any) -> str:
    """The id of a published title with a window."""
    title_id = await house.film()
    await update(house, title_id, **window)
    return title_id


async def watched(house: House, title_id: str) -> str:
    """The playback session of a viewer."""
    return (await house.play(title_id, await house.person("viewer"))).session_id


async def grant(house: House, session_id: str) -> pb.Grant:
    request = pb.GetGrantRequest(session_id=session_id, asset_id=ASSET, edge_id="edge-1")
    return (await house.edges.GetGrant(request, metadata=house.service)).grant


async def test_no_grant_goes_beyond_the_window(house: House) -> None:
    until = after(house, 10)
    title_id = await film(house, available_until=until)
    session_id = await watched(house, title_id)
    assert (await grant(house, session_id)).expires_at == until


async def test_the_end_of_the_window_ends_playback_within_a_second_and_says_why(house: House) -> None:
    title_id = await film(house, available_until=after(house, HOUR))
    session_id = await watched(house, title_id)
    async with listening(house) as edge, within(1):
        house.clock.turn(HOUR)
        assert await revoked(edge) == [(session_id, CLOSED)]
    async with refusal("PERMISSION_DENIED", CLOSED):
        await grant(house, session_id)


async def test_pages_hear_of_it_by_the_event_of_an_end(house: House) -> None:
    title_id, viewer = await film(house, available_until=after(house, BRIEF)), await house.person("viewer")
    session_id = (await house.play(title_id, viewer)).session_id
    report = pb.ReportPlaybackRequest(session_id=session_id, position_seconds=1)
    await house.playback.ReportPlayback(report, metadata=viewer)
    async with listening(house) as edge:
        house.clock.turn(BRIEF)
        await revoked(edge)
    assert [(event.session_id, event.stopped) for event in await house.events(MoviePaused)] == [(session_id, True)]


async def test_an_edge_that_asks_first_is_told_why(house: House) -> None:
    title_id = await film(house, available_until=after(house, HOUR))
    session_id = await watched(house, title_id)
    house.clock.turn(HOUR)
    async with refusal("PERMISSION_DENIED", CLOSED):
        await grant(house, session_id)


async def test_an_edge_that_missed_the_end_is_told_why_at_its_next_report(house: House) -> None:
    title_id = await film(house, available_until=after(house, HOUR))
    session_id = await watched(house, title_id)
    async with listening(house) as witness:
        house.clock.turn(HOUR)
        await revoked(witness)
    async with listening(house) as edge:
        await edge.write(pb.ConnectRequest(edge_id="edge-1", active_session_ids=[session_id]))
        assert await revoked(edge) == [(session_id, CLOSED)]


async def test_staff_watch_no_longer_than_the_window_either(house: House) -> None:
    title_id = await film(house, available_until=after(house, HOUR))
    session_id = (await house.play(title_id, await house.admin())).session_id
    async with listening(house) as edge:
        house.clock.turn(HOUR)
        assert await revoked(edge) == [(session_id, CLOSED)]


async def test_a_control_that_was_away_at_the_end_of_the_window_makes_up_for_it(
    tmp_path: Path, house_database_url: str
) -> None:
    clock = TurnedClock()
    async with running_control(tmp_path, clock, database={"url": house_database_url}) as house:
        title_id = await film(house, available_until=after(house, HOUR))
        session_id = await watched(house, title_id)
    clock.turn(HOUR)
    async with (
        running_control(tmp_path, clock, database={"url": house_database_url}) as house,
        refusal("PERMISSION_DENIED"),
    ):
        await grant(house, session_id)


async def test_a_window_that_is_closed_by_hand_ends_playback(house: House) -> None:
    title_id = await house.film()
    session_id = await watched(house, title_id)
    async with listening(house) as edge, within(1):
        await update(house, title_id, available_until=after(house, -1))
        assert await revoked(edge) == [(session_id, CLOSED)]


async def test_a_window_that_is_put_off_ends_playback(house: House) -> None:
    title_id = await house.film()
    session_id = await watched(house, title_id)
    async with listening(house) as edge:
        await update(house, title_id, available_from=after(house, HOUR))
        assert await revoked(edge) == [(session_id, CLOSED)]


async def test_a_window_that_is_shortened_ends_playback_at_its_new_end(house: House) -> None:
    title_id = await film(house, available_until=after(house, 2 * HOUR))
    session_id = await watched(house, title_id)
    await update(house, title_id, available_until=after(house, HOUR))
    async with listening(house) as edge:
        house.clock.turn(HOUR)
        assert await revoked(edge) == [(session_id, CLOSED)]


async def test_a_window_that_is_prolonged_lets_playback_go_on(house: House) -> None:
    title_id = await film(house, available_until=after(house, HOUR))
    session_id = await watched(house, title_id)
    await update(house, title_id, available_until=after(house, 2 * HOUR))
    house.clock.turn(HOUR + 1)
    assert (await grant(house, session_id)).session_id == session_id


async def test_who_watches_a_title_that_is_hidden_goes_on(house: House) -> None:
    title_id = await house.film()
    session_id = await watched(house, title_id)
    await house.catalogue.UnpublishTitle(UnpublishTitleRequest(title_id=title_id), metadata=await house.admin())
    house.clock.turn(HOUR)
    assert (await grant(house, session_id)).session_id == session_id


async def test_a_title_that_needs_a_higher_plan_ends_for_who_lacks_it_within_a_second(house: House) -> None:
    title_id = await house.film()
    await make_plan(house, "basic", level=1)
    await make_plan(house, "cinema", level=2)
    viewer, publisher = await house.person("viewer"), await house.person("publisher")
    await subscribe(house, viewer, "basic")
    session_id = (await house.play(title_id, viewer)).session_id
    other = (await house.play(title_id, publisher)).session_id
    async with listening(house) as edge, within(1):
        await update(house, title_id, plan_id="cinema")
        assert await revoked(edge) == [(session_id, "this title needs the plan 'Cinema'")]
    assert (await grant(house, other)).session_id == other


async def test_a_period_that_runs_out_ends_what_it_paid_for_within_a_second(house: House) -> None:
    title_id = await house.film()
    await make_plan(house, period_days=1)
    viewer = await house.person("viewer")
    await subscribe(house, viewer)
    await update(house, title_id, plan_id="family")
    house.clock.turn(23 * HOUR)
    session_id = (await house.play(title_id, await signed_in(house))).session_id
    async with listening(house) as edge, within(1):
        house.clock.turn(HOUR)
        assert await revoked(edge) == [(session_id, "this title needs the plan 'Family'")]


async def signed_in(house: House) -> Metadata:
    """The viewer, who has signed in again."""
    answer = await house.auth.Login(LoginRequest(email="viewer@matinee.local", password="password"))
    return bearer(answer.access_token)
