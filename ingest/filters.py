"""Filter graphs, built with ffmpeg-python: from a source's pictures to those of every rung. Pure.

The order is: deinterlace, count frames on the title's grid, set upright, scale to the largest rung, bring into 8-bit
BT.709, and scale each smaller rung from the one above it.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ingest.ladder import Rung
from ingest.source import Matrix, Picture, Rotation

Stream = Any  # ffmpeg-python has no types

# Ticks per second of a clock on which the times of usual containers and the frames of every standard rate are whole.
CLOCK = 2**13 * 3**2 * 5**4
TURNS: dict[Rotation, tuple[str, ...]] = {0: (), 90: ("clock",), 180: ("clock", "clock"), 270: ("cclock",)}
SCALER = "bicubic"
PEAK_NITS = 100  # white of SDR, in cd/m2


def on_grid(video: Stream, picture: Picture, begins: Fraction, rate: Fraction) -> Stream:
    """Pictures at a constant rate without end, the first of them at the time `begins` of the source.

    The clock is exact and counts from `begins`, so that every span sees one and the same grid: a picture that two spans
    could show is shown by one. Where a container keeps no times, pictures are counted. The last picture is held, and
    may be older than `begins`, where sounds go on or pictures at the end are lost.
    """
    if picture.interlaced:
        video = video.filter("bwdif", mode="send_frame", deint="all")
    return (
        video.filter("settb", f"1/{CLOCK}")
        .filter("setpts", f"PTS-({round(begins * CLOCK)})" if picture.timed else f"N*{CLOCK / picture.frame_rate}")
        .filter("fps", fps=str(rate))
        .filter("tpad", stop=-1, stop_mode="clone")
        .filter("fps", fps=str(rate), start_time=0)
    )


def upright(video: Stream, rotation: Rotation) -> Stream:
    """Turn pictures clockwise, so that they stand."""
    for turn in TURNS[rotation]:
        video = video.filter("transpose", turn)
    return video


def standard_colour(video: Stream, picture: Picture, width: int, height: int) -> Stream:
    """Scale to a size with square pixels, and bring any colours into 8-bit BT.709 of limited range."""
    if picture.transfer == "sdr":
        video = video.filter(
            "scale",
            width,
            height,
            flags=SCALER,
            in_color_matrix=picture.matrix,
            in_range=_range(picture),
            out_color_matrix="bt709",
            out_range="tv",
        )
    else:
        video = _tone_mapped(video.filter("scale", width, height, flags=SCALER), picture)
    return tagged(video.filter("format", "yuv420p").filter("sidedata", "delete").filter("setsar", 1))


def tagged(video: Stream) -> Stream:
    """Say on every frame what its colours are."""
    return video.filter(
        "setparams", field_mode="prog", range="tv", color_primaries="bt709", color_trc="bt709", colorspace="bt709"
    )


def renditions(video: Stream, rungs: Sequence[Rung]) -> list[Stream]:
    """One stream for each rung, from pictures that have the size of the first."""
    streams = []
    for rung in rungs[1:]:
        split = video.filter_multi_output("split")
        streams.append(split[0])
        video = split[1].filter("scale", rung.width, rung.height, flags=SCALER).filter("setsar", 1)
    return [*streams, video]


def _range(picture: Picture) -> str:
    return "pc" if picture.full_range else "tv"


def _tone_mapped(video: Stream, picture: Picture) -> Stream:
    """HDR (PQ or HLG, BT.2100) to SDR: linear light, primaries, a filmic curve, and the transfer of BT.709."""
    transfer = {"pq": "smpte2084", "hlg": "arib-std-b67"}[picture.transfer]
    matrix: dict[Matrix, str] = {"bt2020": "2020_ncl", "bt709": "709", "bt601": "170m"}
    return (
        video.filter(
            "zscale",
            transferin=transfer,
            primariesin="2020",
            matrixin=matrix[picture.matrix],
            rangein="full" if picture.full_range else "limited",
            transfer="linear",
            npl=PEAK_NITS,
        )
        .filter("format", "gbrpf32le")
        .filter("zscale", primaries="709")
        .filter("tonemap", "hable", desat=0)
        .filter("zscale", transfer="709", matrix="709", range="limited")
    )
