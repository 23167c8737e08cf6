"""Sound and picture agree, as FFmpeg plays them: the flash and the beep of every second come together."""

from itertools import pairwise

import av
import numpy as np
import pytest

from tests.e2e.conftest import Title
from tests.films import is_flash
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


LOUD = 0.05
"""Of full scale; the beeps are far above it, and what is between them far below."""


def moment(frame: av.VideoFrame | av.AudioFrame) -> float:
    """When a frame is shown or heard, in seconds."""
    assert frame.time is not None
    return frame.time


def flashes(url: str) -> list[float]:
    """Moments at which a flash begins, in seconds."""
    with av.open(url) as container:
        frames = container.decode(video=0)
        shown = [(moment(frame), is_flash(frame.to_ndarray(format="gray").astype(np.uint8))) for frame in frames]
    return [now for (_, bright), (now, flash) in pairwise([(0.0, False), *shown]) if flash and not bright]


def beeps(url: str) -> list[float]:
    """Moments at which a beep begins, in seconds."""
    with av.open(url) as container:
        frames = list(container.decode(audio=0))
    moments = np.concatenate([moment(frame) + np.arange(frame.samples) / frame.sample_rate for frame in frames])
    loud = moments[np.abs(np.concatenate([frame.to_ndarray()[0] for frame in frames])) > LOUD]
    return [float(loud[0]), *(float(later) for earlier, later in pairwise(loud) if later - earlier > 0.5)]


@pytest.mark.parametrize("protocol", ["hls", "dash"])
def test_every_flash_comes_with_its_beep(stack: Stack, title: Title, protocol: str) -> None:
    url = stack.play(title.title_id)[protocol]
    seen, heard = flashes(url), beeps(url)
    assert len(seen) == len(heard) == title.seconds
    offsets = np.array(seen) - np.array(heard)
    assert np.abs(offsets).max() <= 1 / title.rate, f"the picture is late by {offsets * 1000} ms"
