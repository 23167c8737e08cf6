"""What every command line of ffmpeg shares: how an untrusted file is opened, and how the program behaves."""

from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import ffmpeg as builder

from ingest.codecs import DECODERS
from ingest.containers import DEMUXERS
from ingest.source import Container

MICROSECONDS = 1_000_000
LOOPBACK = builder.input("loopback")["a"]
"""The sound that a loopback decoder gives, in arguments for `looped`."""
TRANSPORT_MARGIN = Fraction(1)  # MPEG-TS is entered by decoding time, which is that much earlier at most


def opened(source: Path, container: Container, seek: Fraction | None = None) -> Any:
    """A source as ffmpeg may open it: this file, this demuxer, these decoders, on its own clock, from `seek` on."""
    options: dict[str, Any] = {
        "f": container,
        "format_whitelist": DEMUXERS[container],
        "protocol_whitelist": "file",  # no network, no concat:, data: or subfile:
        "fflags": "+genpts",  # the same times that probing saw
        "codec_whitelist": DECODERS,
        "threads": 1,  # spans run side by side; a core each
        "copyts": None,
        "noautorotate": None,  # the graph turns pictures itself
        "reinit_filter:v": 0,  # a graph that starts anew would count frames anew
    }
    if seek is not None:
        early = TRANSPORT_MARGIN if container == "mpegts" else 0
        options |= {"seek_timestamp": 1, "noaccurate_seek": None, "ss": f"{ceil((seek - early) * MICROSECONDS)}us"}
    return builder.input(f"file:{source}", **options)


def arguments(outputs: Any) -> list[str]:
    """The argument list for these outputs: quiet, never asking, with progress on stdout."""
    quiet = ("-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-nostats", "-progress", "pipe:1")
    single = ("-filter_threads", "1", "-filter_complex_threads", "1")
    return list(outputs.global_args(*quiet, *single).get_args())


def looped(outputs: Any, following: list[str]) -> list[str]:
    """Arguments `following` whose LOOPBACK is the first of `outputs`, decoded again (ffmpeg 7.1 and later).

    Where a source changes its format in the middle the first graph starts anew, and the one behind never hears of it.
    """
    after = [word.replace("[0:a]", "[dec:0]") for word in following[2:]]  # without -i loopback
    return [*outputs.get_args(), "-dec", "0:0", *after]
