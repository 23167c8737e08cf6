"""The poster: one frame of the film that is bright, rich and sharp. With `probe` the only module that imports PyAV.

It is chosen from the asset's own best rendition, which is upright, in standard colours, and was encoded by us.
"""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ingest.plan import Plan
from matinee.executor import Check, unchecked
from matinee.layout import POSTER
from packager.index import AssetIndex

CANDIDATES = 12
WIDEST = 1280
QUALITY = 85
SCORED_WIDTH = 320
DARK, BRIGHT = 30.0, 225.0  # mean luma of frames that show little

Pixels = NDArray[np.float32]


def write_poster(plan: Plan, index: AssetIndex, directory: Path, *, check: Check = unchecked) -> None:
    """Write the poster, at most 1280 pixels wide, beside the tracks in `directory`.

    `check` is called at every candidate; what it raises ends the work.
    """
    best = max(_candidates(plan, directory / index.video()[0].name, check), key=score)
    best.thumbnail((WIDEST, WIDEST))
    best.save(directory / POSTER, "JPEG", quality=QUALITY, optimize=True, progressive=True)


def score(image: Image.Image) -> float:
    """How good a poster a frame makes: contrast, sharpness and colour; next to nothing when it is dark or blank."""
    small = image.resize((SCORED_WIDTH, max(1, SCORED_WIDTH * image.height // image.width)))
    luma: Pixels = np.asarray(small.convert("L"), dtype=np.float32)
    visible = 1.0 if DARK < luma.mean() < BRIGHT else 0.05
    return visible * (contrast(luma) + 2 * sharpness(luma) + colourfulness(np.asarray(small, dtype=np.float32)))


def contrast(luma: Pixels) -> float:
    """Spread of luma, 0 to about 1."""
    return float(luma.std()) / 64


def sharpness(luma: Pixels) -> float:
    """Strength of edges (variance of the Laplacian, on a scale that flattens), 0 to about 1."""
    inner = luma[1:-1, 1:-1]
    laplacian = 4 * inner - luma[:-2, 1:-1] - luma[2:, 1:-1] - luma[1:-1, :-2] - luma[1:-1, 2:]
    return float(np.log1p(laplacian.var()) / 8)


def colourfulness(rgb: Pixels) -> float:
    """Richness of colour after Hasler and Suesstrunk (2003), 0 to about 1."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    warm, cold = red - green, (red + green) / 2 - blue
    spread = np.hypot(warm.std(), cold.std())
    strength = np.hypot(warm.mean(), cold.mean())
    return float(spread + 0.3 * strength) / 100


def _candidates(plan: Plan, rendition: Path, check: Check) -> Iterator[Image.Image]:
    """Keyframes from all over the film, each once."""
    with av.open(str(rendition), "r", format="mov") as opened:
        stream = opened.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        timeline = plan.timeline
        for gop in sorted({number * timeline.gops // CANDIDATES for number in range(CANDIDATES)}):
            check()
            shown = timeline.lead_in + gop * timeline.gop_frames * timeline.frame_duration
            opened.seek(int(shown / (stream.time_base or 1)), stream=stream)
            frame = next(opened.decode(stream), None)
            if frame is not None:
                yield Image.fromarray(frame.to_ndarray(format="rgb24"))
