"""Edge and control at their seam: an edge with more playback sessions than one report may name."""

from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import insert

from control.database import tables
from control.identifiers import new_id
from control.playback.edges import MOST_SESSIONS
from control.playback.session import PlaybackSession
from edge.grants import Grant, Grants
from protos.v1.playback_pb2 import StopPlaybackRequest
from tests.control_house import ASSET, House, Metadata, claims_of, running_control
from tests.edge_desk import running
from tests.patience import until

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


async def open_sessions(house: House, viewer: Metadata, title_id: str) -> list[str]:
    """More sessions than a report may name, written to the database: asking for each would take a minute."""
    account, now = claims_of(viewer)["sub"], house.clock()
    ids = [new_id(house.clock) for _ in range(MOST_SESSIONS + 1)]
    rows = [asdict(PlaybackSession(id_, title_id, account, ASSET, "", now, now, now + 3_600)) for id_ in ids]
    async with house.written() as connection:
        await connection.execute(insert(tables.playback_sessions), rows)
    return ids


async def keys_changed() -> None:
    """Nothing depends on the keys here."""


async def test_an_edge_with_more_sessions_than_a_report_takes_hears_of_an_end(
    tmp_path: Path, house_database_url: str
) -> None:
    async with running_control(tmp_path, database={"url": house_database_url}) as house:
        admin, title_id = await house.admin(), await house.film()
        ids = await open_sessions(house, admin, title_id)
        grants = Grants(house.channel, house.service[0][1], "edge-1", keys_changed)
        soon = house.clock() + house.settings.tokens.grant_seconds - 10
        grants._held = {id_: Grant(id_, ASSET, soon, 0) for id_ in ids}
        async with running(grants.run()):
            await until(lambda: all(grants._held[id_].expires_at > soon for id_ in ids))
            await house.playback.StopPlayback(StopPlaybackRequest(session_id=ids[0]), metadata=admin)
            await until(lambda: grants.held(ids[0], ASSET) is None)
