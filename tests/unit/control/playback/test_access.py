"""Access over the wire: what Play refuses, streams and devices, and what goes on when a subscription changes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from control.catalogue.deletion import DELETED
from control.database import Database, playback_sessions
from control.database import devices as registered
from control.playback.access import TAKEN_OVER, TOO_MANY, Access
from control.playback.devices import register
from control.playback.own_devices import REMOVED
from matinee.errors import Cause
from matinee.rpc.call_errors import CallError
from matinee.settings import PlaybackSettings, SubscriptionSettings
from protos.v1 import playback_pb2 as pb
from protos.v1 import subscriptions_pb2
from protos.v1.auth_pb2 import ROLE_VIEWER, UpdateAccountRequest
from protos.v1.catalogue_pb2 import DeleteTitleRequest, UpdateTitleRequest
from tests.control_house import ASSET, House, Metadata, claims_of, refusal, running_control
from tests.edges import listening, revoked
from tests.offers import make_plan, subscribe
from tests.patience import within
from tests.viewing import NOON, opened, rewrite

pytestmark = pytest.mark.anyio


async def grant(house: House, session_id: str) -> pb.Grant:
    request = pb.GetGrantRequest(session_id=session_id, asset_id=ASSET, edge_id="edge-1")
    return (await house.edges.GetGrant(request, metadata=house.service)).grant


async def subscriber(house: House, **plan: Any) -> Metadata:
    """A viewer with a plan of these limits."""
    await make_plan(house, **plan)
    viewer = await house.person("viewer")
    await subscribe(house, viewer)
    return viewer


async def displaced(house: House, by: str = "phone") -> tuple[Metadata, pb.PlayResponse, pb.PlayResponse]:
    """A viewer with a plan of one stream, an unused session on the TV, and the one on a device that took its place."""
    viewer = await subscriber(house, max_streams=1)
    title_id = await house.film()
    unused = await house.play(title_id, viewer, device_id="tv")
    house.clock.turn(61)
    return viewer, unused, await house.play(title_id, viewer, device_id=by)


async def reported(house: House, *session_ids: str) -> pb.ConnectResponse:
    """What an edge hears of the sessions that it reports, all at once, as in use."""
    async with listening(house) as edge:
        await edge.write(pb.ConnectRequest(edge_id="edge-1", active_session_ids=session_ids))
        heard: pb.ConnectResponse = await edge.read()
    return heard


async def devices(house: House, person: Metadata) -> dict[str, int]:
    """The devices of a person, and how many streams each has."""
    answer = await house.playback.ListDevices(pb.ListDevicesRequest(), metadata=person)
    return {device.device_id: device.streams for device in answer.devices}


async def test_without_plans_every_account_may_watch_everything(house: House) -> None:
    answer = await house.play(await house.film(), await house.person("viewer"))
    assert answer.max_height == 0


async def test_the_limit_of_the_plan_is_in_the_answer_and_in_the_grant(house: House) -> None:
    viewer = await subscriber(house, max_height=720)
    answer = await house.play(await house.film(), viewer)
    assert (answer.max_height, (await grant(house, answer.session_id)).max_height) == (720, 720)


async def test_one_stream_too_many_is_refused_with_where_the_other_is(house: House) -> None:
    viewer = await subscriber(house, max_streams=1)
    title_id = await house.film()
    await house.play(title_id, viewer, device="TV", device_id="tv")
    async with refusal("RESOURCE_EXHAUSTED", "one stream at a time, and is playing on 'TV'"):
        await house.play(title_id, viewer, device="Phone", device_id="phone")


async def test_a_stream_can_be_taken_over(house: House) -> None:
    viewer = await subscriber(house, max_streams=1)
    title_id = await house.film()
    first = await house.play(title_id, viewer, device_id="tv")
    second = await house.play(title_id, viewer, device_id="phone", take_over=True)
    async with refusal("PERMISSION_DENIED", TAKEN_OVER):
        await grant(house, first.session_id)
    assert (await grant(house, second.session_id)).session_id == second.session_id


@pytest.mark.parametrize(("stands", "goes_on"), [(30.0, 35.0), (60.0, 0.0)])
async def test_who_takes_a_stream_over_goes_on_where_it_stands(house: House, stands: float, goes_on: float) -> None:
    viewer = await subscriber(house, max_streams=1)
    title_id = await house.film()
    first = await house.play(title_id, viewer, device_id="tv")
    for position in (stands - 5, stands):
        report = pb.ReportPlaybackRequest(session_id=first.session_id, position_seconds=position)
        await house.playback.ReportPlayback(report, metadata=viewer)
        house.clock.turn(5)
    second = await house.play(title_id, viewer, device_id="phone", take_over=True)
    assert second.resume_seconds == pytest.approx(goes_on, abs=2)


async def test_what_nobody_uses_does_not_count_and_comes_back_only_where_there_is_room(house: House) -> None:
    viewer, first, second = await displaced(house)
    async with refusal("PERMISSION_DENIED", "one stream at a time"):
        await grant(house, first.session_id)
    async with refusal("RESOURCE_EXHAUSTED", "one stream at a time"):
        request = pb.ReportPlaybackRequest(session_id=first.session_id, position_seconds=1)
        await house.playback.ReportPlayback(request, metadata=viewer)
    await house.playback.StopPlayback(pb.StopPlaybackRequest(session_id=second.session_id), metadata=viewer)
    assert (await grant(house, first.session_id)).session_id == first.session_id


async def test_a_pause_does_not_smuggle_an_unused_session_back(house: House) -> None:
    viewer, first, _ = await displaced(house)
    await house.playback.PausePlayback(pb.PausePlaybackRequest(session_id=first.session_id), metadata=viewer)
    async with refusal("PERMISSION_DENIED", "one stream at a time"):
        await grant(house, first.session_id)


async def test_an_edge_that_serves_an_unused_session_hears_why_it_may_not(house: House) -> None:
    _, first, second = await displaced(house)
    heard = await reported(house, first.session_id, second.session_id)
    assert [one.session_id for one in heard.renewed] == [second.session_id]
    assert [one.session_id for one in heard.revoked] == [first.session_id]
    assert "one stream at a time" in heard.revoked[0].reason


async def test_a_session_that_comes_back_ends_the_one_in_its_place_though_both_are_reported(house: House) -> None:
    _, first, second = await displaced(house, by="tv")
    heard = await reported(house, first.session_id, second.session_id)
    assert [one.session_id for one in heard.renewed] == [first.session_id]
    assert [(one.session_id, one.reason) for one in heard.revoked] == [(second.session_id, TAKEN_OVER)]
    async with refusal("PERMISSION_DENIED", TAKEN_OVER):
        await grant(house, second.session_id)


async def test_of_two_sessions_that_come_back_in_one_report_only_those_go_on_that_the_plan_allows(house: House) -> None:
    _, first, second = await displaced(house)
    house.clock.turn(61)
    heard = await reported(house, first.session_id, second.session_id)
    assert [one.session_id for one in heard.renewed] == [first.session_id]
    assert [one.session_id for one in heard.revoked] == [second.session_id]
    assert "one stream at a time" in heard.revoked[0].reason


async def test_many_who_play_at_once_get_no_more_streams_than_the_plan_has(house: House) -> None:
    viewer = await subscriber(house, max_streams=3)
    title_id = await house.film()
    plays = [house.play(title_id, viewer, device_id=f"d{number}") for number in range(12)]
    answers = await asyncio.gather(*plays, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, CallError)]
    assert {refusal.code().name for refusal in refused} == {"RESOURCE_EXHAUSTED"}
    assert len(refused) == 9


async def test_who_works_here_has_no_limit(house: House) -> None:
    await make_plan(house, max_streams=1)
    title_id, admin = await house.film(), await house.admin()
    await subscribe(house, admin)
    assert [(await house.play(title_id, admin)).max_height for _ in range(3)] == [0, 0, 0]


async def test_devices_are_registered_and_one_too_many_is_refused_by_name(house: House) -> None:
    viewer = await subscriber(house, max_devices=2)
    title_id = await house.film()
    await house.play(title_id, viewer, device="TV", device_id="tv")
    await house.play(title_id, viewer, device="Phone", device_id="phone")
    await house.play(title_id, viewer, device="TV", device_id="tv")
    async with refusal("RESOURCE_EXHAUSTED", "remove one of 'TV', 'Phone' first"):
        await house.play(title_id, viewer, device="Desk", device_id="desk")
    assert await devices(house, viewer) == {"tv": 2, "phone": 1}


async def test_devices_without_an_id_are_told_apart_by_their_names(house: House) -> None:
    viewer = await subscriber(house, max_devices=2)
    title_id = await house.film()
    for name in ("TV", "TV", ""):
        await house.play(title_id, viewer, device=name)
    assert sorted((await devices(house, viewer)).values()) == [1, 2]


async def test_a_removed_device_plays_no_more_and_makes_room(house: House) -> None:
    viewer = await subscriber(house, max_devices=1)
    title_id = await house.film()
    session_id = (await house.play(title_id, viewer, device_id="tv")).session_id
    await house.playback.RemoveDevice(pb.RemoveDeviceRequest(device_id="tv"), metadata=viewer)
    async with refusal("PERMISSION_DENIED", REMOVED):
        await grant(house, session_id)
    await house.play(title_id, viewer, device_id="phone")
    assert await devices(house, viewer) == {"phone": 1}


async def test_nobody_removes_the_device_of_somebody_else(house: House) -> None:
    viewer = await house.person("viewer")
    await house.play(await house.film(), viewer, device_id="tv")
    async with refusal("NOT_FOUND", "no such device"):
        await house.playback.RemoveDevice(pb.RemoveDeviceRequest(device_id="tv"), metadata=await house.admin())


@pytest.mark.parametrize("device_id", ["~1", "a b", "x" * 65, "../x", "é"])
async def test_a_device_id_that_cannot_be_is_refused(house: House, device_id: str) -> None:
    async with refusal("INVALID_ARGUMENT", "device_id"):
        await house.play(await house.film(), await house.person("viewer"), device_id=device_id)


async def test_a_lower_limit_is_pushed_to_the_edges_while_it_plays(house: House) -> None:
    viewer = await subscriber(house, max_height=1080)
    answer = await house.play(await house.film(), viewer)
    await make_plan(house, "basic", max_height=360)
    request = subscriptions_pb2.ChangePlanRequest(plan_id="basic")
    async with listening(house) as edge, within(1):
        await house.subscriptions.ChangePlan(request, metadata=viewer)
        heard = await edge.read()
    assert [(one.session_id, one.max_height) for one in heard.renewed] == [(answer.session_id, 360)]


async def test_fewer_streams_end_those_begun_last(house: House) -> None:
    viewer = await subscriber(house, max_streams=3)
    title_id = await house.film()
    first, second, third = [
        (await house.play(title_id, viewer, device_id=f"d{number}")).session_id for number in range(3)
    ]
    await make_plan(house, "basic", max_streams=1)
    async with listening(house) as edge:
        await house.subscriptions.ChangePlan(subscriptions_pb2.ChangePlanRequest(plan_id="basic"), metadata=viewer)
        assert set(await revoked(edge)) == {(second, TOO_MANY), (third, TOO_MANY)}
    assert (await grant(house, first)).session_id == first


async def test_a_change_of_the_plan_itself_reaches_who_plays_at_the_next_report(house: House) -> None:
    viewer = await subscriber(house, max_height=1080)
    session_id = (await house.play(await house.film(), viewer)).session_id
    update = subscriptions_pb2.UpdatePlanRequest(plan_id="family", max_height=360)
    await house.subscriptions.UpdatePlan(update, metadata=await house.admin())
    assert (await grant(house, session_id)).max_height == 360


async def test_a_grant_ends_with_the_period_and_is_looked_at_anew(tmp_path: Path, house_database_url: str) -> None:
    async with running_control(
        tmp_path, database={"url": house_database_url}, subscriptions={"free_height": 234}
    ) as house:
        viewer = await subscriber(house, max_height=1080)
        until = Timestamp(seconds=int(house.clock()) + 40)
        paid = subscriptions_pb2.SetSubscriptionRequest(
            account_id=claims_of(viewer)["sub"], plan_id="family", paid_until=until
        )
        await house.subscriptions.SetSubscription(paid, metadata=await house.admin())
        session_id = (await house.play(await house.film(), viewer)).session_id
        given = await grant(house, session_id)
        assert (given.max_height, given.expires_at) == (1080, until)
        house.clock.turn(41)
        assert (await grant(house, session_id)).max_height == 234


async def need(house: House, title_id: str, plan_id: str) -> None:
    """Have a title need a plan."""
    request = UpdateTitleRequest(title_id=title_id, plan_id=plan_id)
    await house.catalogue.UpdateTitle(request, metadata=await house.admin())


async def test_a_title_that_needs_a_plan_is_refused_without_it(house: House) -> None:
    title_id, viewer = await house.film(), await house.person("viewer")
    await make_plan(house, "basic", level=1)
    await make_plan(house, "family", level=2)
    await need(house, title_id, "family")
    async with refusal("PERMISSION_DENIED", "this title needs the plan 'Family'"):
        await house.play(title_id, viewer)
    await subscribe(house, viewer, "basic")
    async with refusal("PERMISSION_DENIED", "this title needs the plan 'Family'"):
        await house.play(title_id, viewer)
    await house.subscriptions.ChangePlan(subscriptions_pb2.ChangePlanRequest(plan_id="family"), metadata=viewer)
    assert (await house.play(title_id, viewer)).session_id
    assert (await house.play(title_id, await house.admin())).session_id


async def test_a_plan_that_is_not_there_is_out_of_reach_where_there_are_others(house: House) -> None:
    title_id, viewer = await house.film(), await house.person("viewer")
    async with house.written() as connection:  # as it could be entered once
        await rewrite(connection, title_id, plan_id="premium")
    assert (await house.play(title_id, viewer)).session_id
    await make_plan(house, "family", level=1_000)
    await subscribe(house, viewer)
    async with refusal("PERMISSION_DENIED", "this title needs the plan 'premium'"):
        await house.play(title_id, viewer)


async def test_a_plan_that_a_title_needs_is_only_taken_off_the_offer(house: House) -> None:
    await make_plan(house, "family")
    await need(house, await house.film(), "family")
    admin = await house.admin()
    await house.subscriptions.RetirePlan(subscriptions_pb2.RetirePlanRequest(plan_id="family"), metadata=admin)
    answer = await house.subscriptions.ListPlans(subscriptions_pb2.ListPlansRequest(retired=True), metadata=admin)
    assert [(plan.plan_id, plan.retired) for plan in answer.plans] == [("family", True)]


async def test_a_title_that_needs_a_plan_from_now_on_is_served_to_nobody_else(house: House) -> None:
    title_id, viewer = await house.film(), await house.person("viewer")
    session_id = (await house.play(title_id, viewer)).session_id
    await make_plan(house)
    await need(house, title_id, "family")
    async with refusal("PERMISSION_DENIED", "this title needs the plan 'Family'"):
        await grant(house, session_id)


async def test_who_works_here_no_more_plays_what_a_viewer_may(house: House) -> None:
    title_id, publisher = await house.film(), await house.person("publisher")
    await make_plan(house)
    await need(house, title_id, "family")
    session_id = (await house.play(title_id, publisher)).session_id
    demotion = UpdateAccountRequest(account_id=claims_of(publisher)["sub"], role=ROLE_VIEWER)
    async with listening(house) as edge, within(1):
        await house.auth.UpdateAccount(demotion, metadata=await house.admin())
        assert await revoked(edge) == [(session_id, "this title needs the plan 'Family'")]


async def test_services_may_ask_for_anybody(house: House) -> None:
    viewer = await subscriber(house, max_height=720)
    title_id = await house.film()
    request = subscriptions_pb2.CheckAccessRequest(account_id=claims_of(viewer)["sub"], title_id=title_id)
    answer = await house.subscriptions.CheckAccess(request, metadata=house.service)
    assert (answer.allowed, answer.reason, answer.entitlement.max_height) == (True, "", 720)
    async with refusal("PERMISSION_DENIED"):
        await house.subscriptions.CheckAccess(request, metadata=viewer)


async def test_who_comes_back_to_a_title_that_was_deleted_just_now_gets_no_grant(house: House) -> None:
    title_id = await house.film()
    session_id = (await house.play(title_id, await house.person("viewer"))).session_id
    access = Access(SubscriptionSettings(), PlaybackSettings(), house.clock)
    async with house.database() as database:
        async with database.read() as connection:
            session = await playback_sessions.find(connection, session_id)
        assert session is not None
        deletion = DeleteTitleRequest(title_id=title_id, force=True)
        await house.catalogue.DeleteTitle(deletion, metadata=await house.admin())
        async with database.write() as connection:
            _, refused = await access.look_again(connection, session)
    assert (str(refused), refused and refused.cause) == (DELETED, Cause.TITLE_UNAVAILABLE)


@pytest.mark.parametrize(("limit", "kept"), [(0, 100), (200, 101)])
async def test_a_device_more_takes_the_place_of_an_old_one_only_where_there_is_no_limit(
    database: Database, limit: int, kept: int
) -> None:
    account_id = (await opened(database)).accounts[0]
    async with database.write() as connection:
        for number in range(101):
            await register(connection, account_id, f"device-{number}", "", limit=limit, now=NOON + number)
        assert len(await registered.of_account(connection, account_id)) == kept
