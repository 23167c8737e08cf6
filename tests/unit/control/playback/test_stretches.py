"""Whatever is done to sessions, in whatever order: one movie-paused for each movie-played, and no time is made up."""

import random
from collections import defaultdict

import pytest

from control.playback.sweep import Sweep
from matinee.rpc.call_errors import CallError
from protos.v1 import playback_pb2 as pb
from protos.v1.catalogue_pb2 import DeleteTitleRequest
from protos.v1.events_pb2 import MoviePaused, MoviePlayed
from tests.control_house import House, Metadata

pytestmark = pytest.mark.anyio

REFUSED = {"FAILED_PRECONDITION", "NOT_FOUND"}


class Doing:
    """Random things, done to the sessions of one viewer and by the edge that serves them."""

    def __init__(self, house: House, viewer: Metadata, title_id: str, chance: random.Random) -> None:
        self.house, self.viewer, self.title_id, self.chance = house, viewer, title_id, chance
        self.sessions: list[str] = []
        self.edge = house.edges.Connect(metadata=house.service)

    @property
    def session_id(self) -> str:
        return self.chance.choice(self.sessions)

    @property
    def position(self) -> float:
        return self.chance.uniform(0, 70)

    async def play(self) -> None:
        device = f"d{self.chance.randrange(3)}"
        self.sessions.append((await self.house.play(self.title_id, self.viewer, device_id=device)).session_id)

    async def pause(self) -> None:
        request = pb.PausePlaybackRequest(session_id=self.session_id, position_seconds=self.position)
        await self.house.playback.PausePlayback(request, metadata=self.viewer)

    async def resume(self) -> None:
        request = pb.ResumePlaybackRequest(session_id=self.session_id)
        await self.house.playback.ResumePlayback(request, metadata=self.viewer)

    async def seek(self) -> None:
        request = pb.SeekPlaybackRequest(session_id=self.session_id, position_seconds=self.position)
        await self.house.playback.SeekPlayback(request, metadata=self.viewer)

    async def report(self) -> None:
        request = pb.ReportPlaybackRequest(session_id=self.session_id, position_seconds=self.position)
        await self.house.playback.ReportPlayback(request, metadata=self.viewer)

    async def stop(self) -> None:
        request = pb.StopPlaybackRequest(session_id=self.session_id)
        await self.house.playback.StopPlayback(request, metadata=self.viewer)

    async def serve(self) -> None:
        await self.edge.write(pb.ConnectRequest(edge_id="edge-1", active_session_ids=self.sessions[-5:]))
        await self.edge.read()

    async def remove_device(self) -> None:
        request = pb.RemoveDeviceRequest(device_id=f"d{self.chance.randrange(3)}")
        await self.house.playback.RemoveDevice(request, metadata=self.viewer)

    async def wait(self) -> None:
        self.house.clock.turn(self.chance.choice([1, 10, 50, 70]))

    async def sweep(self) -> None:
        async with self.house.database() as database:
            await Sweep(database, self.house.settings.playback.idle_seconds, self.house.clock)()

    async def anything(self) -> None:
        """One of these, which may be refused."""
        likely = [self.report, self.serve, self.wait, self.pause, self.resume]
        seldom = [self.play, self.seek, self.stop, self.remove_device, self.sweep]
        do = self.chance.choice([*likely, *likely, *seldom]) if self.sessions else self.play
        try:
            await do()
        except CallError as refusal:
            if refusal.code().name not in REFUSED:
                raise


def is_of_no_stretch(event: MoviePlayed | MoviePaused) -> bool:
    """Whether it tells where a viewer went while the film stood still."""
    return isinstance(event, MoviePaused) and event.sought and not event.watched_seconds


@pytest.mark.parametrize("seed", range(4))
async def test_every_stretch_is_told_of_twice(house: House, seed: int) -> None:
    title_id, viewer = await house.film(), await house.person("viewer")
    began = house.clock()
    doing = Doing(house, viewer, title_id, random.Random(seed))
    for _ in range(120):
        await doing.anything()
    played = await house.events(MoviePlayed)
    await house.catalogue.DeleteTitle(DeleteTitleRequest(title_id=title_id, force=True), metadata=await house.admin())
    paused = await house.events(MoviePaused)
    assert len(played) >= 5
    lives = defaultdict[str, list[MoviePlayed | MoviePaused]](list)
    events: list[MoviePlayed | MoviePaused] = [*played, *paused]
    for event in sorted(events, key=lambda event: event.time.ToNanoseconds()):
        lives[event.session_id].append(event)
    for life in lives.values():
        stretches = [type(event) for event in life if not is_of_no_stretch(event)]
        assert stretches == [MoviePlayed, MoviePaused] * (len(stretches) // 2)
        watched = sum(event.watched_seconds for event in life if isinstance(event, MoviePaused))
        assert 0 <= watched <= house.clock() - began
