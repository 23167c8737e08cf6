"""PlaybackService and EdgeService over the wire: sessions, grants, and how quickly an end is heard."""

from pathlib import Path

import pytest
from grpc.aio import EOF

from control.playback.service import CROWDED_OUT, STOPPED
from matinee.delivery import authorised_session
from matinee.rpc.call_errors import CallError
from matinee.tokens import DELIVERY_AUDIENCE, DELIVERY_TYPE, KeySet, key_id
from protos.v1.auth_pb2 import GetKeysRequest, RotateKeysRequest
from protos.v1.catalogue_pb2 import DeleteTitleRequest
from protos.v1.playback_pb2 import (
    ConnectRequest,
    ConnectResponse,
    GetGrantRequest,
    Grant,
    ListPlaybackSessionsRequest,
    PlayResponse,
    StopPlaybackRequest,
)
from tests.control_house import ASSET, House, Metadata, refusal, running_control
from tests.patience import within

pytestmark = pytest.mark.anyio


async def grant(house: House, session_id: str, asset_id: str = ASSET) -> Grant:
    request = GetGrantRequest(session_id=session_id, asset_id=asset_id, edge_id="edge-1")
    return (await house.edges.GetGrant(request, metadata=house.service)).grant


async def stop(house: House, session_id: str, metadata: Metadata) -> None:
    await house.playback.StopPlayback(StopPlaybackRequest(session_id=session_id), metadata=metadata)


async def sessions(house: House, metadata: Metadata) -> list[str]:
    answer = await house.playback.ListPlaybackSessions(ListPlaybackSessionsRequest(), metadata=metadata)
    return [session.session_id for session in answer.sessions]


class Edge:
    """One end of the stream between an edge and control."""

    def __init__(self, house: House) -> None:
        self._call = house.edges.Connect(metadata=house.service)

    async def hear(self) -> ConnectResponse:
        response = await self._call.read()
        assert isinstance(response, ConnectResponse)
        return response

    async def report(self, *session_ids: str) -> None:
        await self._call.write(ConnectRequest(edge_id="edge-1", active_session_ids=session_ids))

    async def hang_up(self) -> str:
        await self._call.done_writing()
        while await self._call.read() is not EOF:  # gRPC has no status for who leaves a message unread
            continue
        return (await self._call.code()).name


async def connected(house: House) -> Edge:
    """An edge that has been told to fetch the keys, as each is when it connects."""
    edge = Edge(house)
    assert (await edge.hear()).keys_changed
    return edge


async def playing(house: House) -> tuple[PlayResponse, Metadata]:
    admin = await house.admin()
    return await house.play(await house.film(), admin), admin


async def test_the_urls_are_signed_for_the_asset_and_the_session(house: House) -> None:
    answer, _ = await playing(house)
    token = answer.hls.split("=")[1].split("/")[0]
    keys = KeySet.from_jwks((await house.auth.GetKeys(GetKeysRequest(), metadata=house.service)).jwks)
    claims = keys.verify(token, DELIVERY_TYPE, DELIVERY_AUDIENCE)
    uri = f"{house.settings.public_url}/v/{ASSET}/v1080.mp4"
    assert authorised_session(claims, uri) == answer.session_id
    assert claims["exp"] == answer.expires_at.ToSeconds()
    assert (answer.hls[-10:], answer.dash[-9:]) == ("/main.m3u8", "/main.mpd")


async def test_a_draft_cannot_be_played(house: House) -> None:
    title_id, admin = (await house.upload()).title_id, await house.admin()
    async with refusal("NOT_FOUND"):
        await house.play(title_id, admin)


async def test_a_grant_lasts_its_seconds_and_allows_every_rung(house: House) -> None:
    answer, _ = await playing(house)
    given = await grant(house, answer.session_id)
    assert (given.session_id, given.asset_id, given.max_height) == (answer.session_id, ASSET, 0)
    assert given.expires_at.ToMicroseconds() / 1e6 - house.clock() == pytest.approx(60, abs=5)


async def test_a_grant_never_outlives_the_signed_urls(house: House) -> None:
    answer, _ = await playing(house)
    house.clock.turn(12 * 3600 - 30)
    assert (await grant(house, answer.session_id)).expires_at.ToSeconds() == answer.expires_at.ToSeconds()


async def test_no_grant_for_another_asset_an_unknown_session_or_an_expired_one(house: House) -> None:
    answer, _ = await playing(house)
    async with refusal("PERMISSION_DENIED", "another title"):
        await grant(house, answer.session_id, "b" * 26)
    async with refusal("PERMISSION_DENIED", "has ended"):
        await grant(house, "0" * 26)
    house.clock.turn(12 * 3600)
    async with refusal("PERMISSION_DENIED", "has ended"):
        await grant(house, answer.session_id)


async def test_a_stopped_session_is_granted_nothing(house: House) -> None:
    answer, admin = await playing(house)
    await stop(house, answer.session_id, admin)
    async with refusal("PERMISSION_DENIED", STOPPED):
        await grant(house, answer.session_id)
    assert await sessions(house, admin) == []


async def test_viewers_list_and_stop_their_own_sessions_only(house: House) -> None:
    of_admin, admin = await playing(house)
    viewer = await house.person("viewer")
    title_id = (
        (await house.playback.ListPlaybackSessions(ListPlaybackSessionsRequest(), metadata=admin)).sessions[0].title_id
    )
    own = await house.play(title_id, viewer)
    assert await sessions(house, viewer) == [own.session_id]
    async with refusal("NOT_FOUND"):
        await stop(house, of_admin.session_id, viewer)
    assert await sessions(house, admin) == [own.session_id, of_admin.session_id]
    await stop(house, own.session_id, admin)


async def test_of_too_many_sessions_of_one_account_the_longest_unused_ends(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.playback.streams.MOST_SESSIONS", 3)
    admin, viewer, title_id = await house.admin(), await house.person("viewer"), await house.film()
    of_admin = await house.play(title_id, admin)
    first, second, third = [(await house.play(title_id, viewer)).session_id for _ in range(3)]
    edge = await connected(house)
    house.clock.turn(1)
    await edge.report(first)
    await edge.hear()
    fourth = (await house.play(title_id, viewer)).session_id
    assert [(one.session_id, one.reason) for one in (await edge.hear()).revoked] == [(second, CROWDED_OUT)]
    assert await sessions(house, viewer) == [fourth, third, first]
    assert of_admin.session_id in await sessions(house, admin)


async def test_a_listed_session_tells_device_title_and_times(house: House) -> None:
    _, admin = await playing(house)
    session = (await house.playback.ListPlaybackSessions(ListPlaybackSessionsRequest(), metadata=admin)).sessions[0]
    assert session.device == "Sofa"
    assert session.last_seen_at.ToSeconds() >= session.started_at.ToSeconds() > 0


async def test_active_sessions_are_renewed_and_unknown_ones_revoked(house: House) -> None:
    answer, _ = await playing(house)
    edge = await connected(house)
    house.clock.turn(50)
    await edge.report(answer.session_id, "0" * 26)
    heard = await edge.hear()
    assert [renewed.session_id for renewed in heard.renewed] == [answer.session_id]
    assert heard.renewed[0].expires_at.ToMicroseconds() / 1e6 - house.clock() == pytest.approx(60, abs=5)
    assert [revoked.session_id for revoked in heard.revoked] == ["0" * 26]


async def test_a_report_moves_last_seen(house: House) -> None:
    answer, admin = await playing(house)
    edge = await connected(house)
    house.clock.turn(100)
    await edge.report(answer.session_id)
    await edge.hear()
    session = (await house.playback.ListPlaybackSessions(ListPlaybackSessionsRequest(), metadata=admin)).sessions[0]
    assert session.last_seen_at.ToSeconds() - session.started_at.ToSeconds() >= 100


async def test_a_report_that_cannot_be_ends_the_stream(house: House) -> None:
    edge = await connected(house)
    await edge.report("\0")
    with pytest.raises(CallError, match="active_session_ids"):
        await edge.hear()


async def test_every_edge_hears_of_an_end_within_a_second(house: House) -> None:
    answer, admin = await playing(house)
    edges = [await connected(house) for _ in range(3)]
    async with within(1):
        await stop(house, answer.session_id, admin)
        heard = [await edge.hear() for edge in edges]
    assert {revoked.session_id for response in heard for revoked in response.revoked} == {answer.session_id}


async def test_edges_of_another_control_hear_of_an_end_within_a_second(house: House, tmp_path: Path) -> None:
    answer, admin = await playing(house)
    async with running_control(tmp_path, house.clock, database={"url": house.settings.database_url}) as other:
        edge = await connected(other)
        async with within(1):
            await stop(house, answer.session_id, admin)
            heard = await edge.hear()
    assert [revoked.session_id for revoked in heard.revoked] == [answer.session_id]


async def test_deleting_a_title_ends_its_sessions_at_the_edges(house: House) -> None:
    admin, title_id = await house.admin(), await house.film()
    session_ids = {(await house.play(title_id, admin)).session_id for _ in range(3)}
    edge = await connected(house)
    await house.catalogue.DeleteTitle(DeleteTitleRequest(title_id=title_id, force=True), metadata=admin)
    revoked = (await edge.hear()).revoked
    assert {one.session_id for one in revoked} == session_ids
    assert {one.reason for one in revoked} == {"the title was deleted"}


async def test_an_edge_hears_of_a_new_key_before_it_signs(house: House) -> None:
    answer, admin = await playing(house)
    edge = await connected(house)
    rotation = house.auth.RotateKeys(RotateKeysRequest(), metadata=admin)
    assert (await edge.hear()).keys_changed
    assert not rotation.done()
    fetched = KeySet.from_jwks((await house.auth.GetKeys(GetKeysRequest(), metadata=house.service)).jwks)
    await rotation
    after = (await house.sign_in()).access_token
    assert key_id(answer.hls.split("=")[1].split("/")[0]) in fetched
    assert key_id(after) in fetched


async def test_a_stream_ends_when_its_edge_hangs_up(house: House) -> None:
    edge = await connected(house)
    assert await edge.hang_up() == "OK"
