"""An asset of six seconds whose tracks hold noise: enough for delivery, which never looks inside a track."""

import random
from fractions import Fraction

from matinee.storage.object_store import ObjectStore
from packager.index import AssetIndex, Track
from packager.timeline import Timeline

ASSET_ID = "abcdefghijklmnopqrstuvwxyz"
TIMELINE = Timeline(Fraction(24), frames=144, gop_frames=48, segment_gops=1)


def rendition(rung: int, fragment: int = 100_000) -> Track:
    return Track(
        name=f"v{rung}.mp4",
        kind="video",
        codecs="avc1.640028",
        timescale=TIMELINE.timescale,
        init_size=700,
        sidx_size=76,
        sizes=(fragment,) * 3,
        durations=(48 * TIMELINE.frame_ticks,) * 3,
        keyframe_sizes=(fragment // 4,) * 3,
        width=rung * 16 // 18 * 2,
        height=rung,
        rung=rung,
    )


def sound() -> Track:
    return Track(
        name="a0-eng.mp4",
        kind="audio",
        codecs="mp4a.40.2",
        timescale=48_000,
        init_size=600,
        sidx_size=76,
        sizes=(30_000,) * 3,
        durations=(98_304, 96_256, 95_232),
        language="eng",
        label="English",
        channels=2,
        default=True,
    )


INDEX = AssetIndex(TIMELINE, (rendition(1080), rendition(360), sound()))


def content(name: str) -> bytes:
    """The bytes of a track."""
    track = INDEX.track(name)
    assert track is not None
    return random.Random(name).randbytes(track.file_size)


async def store_asset(store: ObjectStore) -> None:
    await store.put(f"assets/{ASSET_ID}/index.bin", INDEX.encode())
    for track in INDEX.tracks:
        await store.put(f"assets/{ASSET_ID}/{track.name}", content(track.name))
