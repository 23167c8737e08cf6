"""The end of a playback session says to its player what its viewer can do about it."""

from collections.abc import Awaitable, Callable

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from matinee.errors import Cause, PermissionDenied
from matinee.rpc.call_errors import translated
from protos.v1 import playback_pb2 as pb
from protos.v1.auth_pb2 import RevokeSessionRequest
from protos.v1.catalogue_pb2 import DeleteTitleRequest
from protos.v1.subscriptions_pb2 import ChangePlanRequest, RetirePlanRequest
from tests.catalogue import update
from tests.control_house import ASSET, House, Metadata, claims_of
from tests.edges import listening
from tests.offers import make_plan, subscribe

pytestmark = pytest.mark.anyio

Deed = Callable[[House, Metadata, str], Awaitable[object]]


async def change_to_less(house: House, viewer: Metadata, _: str) -> None:
    """Take the viewer from a plan that is off the offer to one that is not enough."""
    admin = await house.admin()
    await house.subscriptions.RetirePlan(RetirePlanRequest(plan_id="family"), metadata=admin)
    await house.subscriptions.ChangePlan(ChangePlanRequest(plan_id="small"), metadata=viewer)


async def end_the_window(house: House, _: Metadata, title_id: str) -> None:
    await update(house, title_id, available_until=Timestamp(seconds=int(house.clock()) - 1))


async def delete(house: House, _: Metadata, title_id: str) -> None:
    request = DeleteTitleRequest(title_id=title_id, force=True)
    await house.catalogue.DeleteTitle(request, metadata=await house.admin())


async def sign_out(house: House, viewer: Metadata, _: str) -> None:
    request = RevokeSessionRequest(session_id=claims_of(viewer)["sid"])
    await house.auth.RevokeSession(request, metadata=viewer)


async def stop(house: House, viewer: Metadata, _: str) -> None:
    sessions = await house.playback.ListPlaybackSessions(pb.ListPlaybackSessionsRequest(), metadata=viewer)
    request = pb.StopPlaybackRequest(session_id=sessions.sessions[0].session_id)
    await house.playback.StopPlayback(request, metadata=viewer)


async def grant(house: House, session_id: str) -> None:
    """Ask for a grant, as an edge does."""
    request = pb.GetGrantRequest(session_id=session_id, asset_id=ASSET, edge_id="edge-1")
    async with translated():
        await house.edges.GetGrant(request, metadata=house.service)


@pytest.mark.parametrize(
    ("deed", "cause"),
    [
        (change_to_less, Cause.PLAN_REQUIRED),
        (end_the_window, Cause.TITLE_UNAVAILABLE),
        (delete, Cause.TITLE_UNAVAILABLE),
        (sign_out, Cause.SIGNED_OUT),
        (stop, ""),
    ],
)
async def test_an_edge_hears_at_once_and_when_it_asks(house: House, deed: Deed, cause: str) -> None:
    await make_plan(house, "family", level=2)
    await make_plan(house, "small", level=1)
    title_id, viewer = await house.film(), await house.person("viewer")
    await update(house, title_id, plan_id="family")
    await subscribe(house, viewer, "family")
    session_id = (await house.play(title_id, viewer)).session_id
    async with listening(house) as edge:
        await deed(house, viewer, title_id)
        told = [one for one in (await edge.read()).revoked if one.session_id == session_id]
    assert [one.cause for one in told] == [cause]
    with pytest.raises(PermissionDenied) as refused:
        await grant(house, session_id)
    assert refused.value.cause == cause
