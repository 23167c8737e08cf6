"""Sound and picture agree, as FFmpeg plays them: the flash and the beep of every second come together."""

import re
from itertools import pairwise

import numpy as np
import pytest

from tests.e2e.conftest import Title
from tests.e2e.playback import play
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FLASH = 200
"""Mean luma of the flashing half; it is about 120 between flashes."""

TO_NOWHERE = ["-f", "null", "-", "-map", "0", "-c", "copy", "-f", "null", "-"]
"""All streams are read: FFmpeg's HLS complains of a stream that nobody wants after it has begun to read it."""


def flashes(protocol: str, url: str) -> list[float]:
    """Moments at which a flash begins, in seconds."""
    measure = "crop=iw:ih/4:0:ih*5/8,signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-"
    printed = play(protocol, url, "-map", "0:v:0", "-vf", measure, *TO_NOWHERE)
    frames = re.findall(r"pts_time:([\d.]+)\s+lavfi.signalstats.YAVG=([\d.]+)", printed)
    shown = [(float(moment), float(luma) > FLASH) for moment, luma in frames]
    return [now for (_, bright), (now, flash) in pairwise([(0.0, False), *shown]) if flash and not bright]


def beeps(protocol: str, url: str) -> list[float]:
    """Moments at which a beep begins, in seconds."""
    measure = "silencedetect=noise=0.05:duration=0.02,ametadata=print:key=lavfi.silence_end:file=-"
    printed = play(protocol, url, "-map", "0:a:0", "-af", measure, *TO_NOWHERE)
    return [float(moment) for moment in re.findall(r"lavfi.silence_end=([\d.]+)", printed)]


@pytest.mark.parametrize("protocol", ["hls", "dash"])
def test_every_flash_comes_with_its_beep(stack: Stack, title: Title, protocol: str) -> None:
    url = stack.play(title.title_id)[protocol]
    seen, heard = flashes(protocol, url), beeps(protocol, url)
    assert len(seen) == len(heard) == title.seconds
    offsets = np.array(seen) - np.array(heard)
    assert np.abs(offsets).max() <= 1 / title.rate, f"the picture is late by {offsets * 1000} ms"
