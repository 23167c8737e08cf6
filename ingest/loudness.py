"""Loudness (EBU R128): how loud a sound is, by which level it becomes as loud as every other title, and whether it did.

Peaks come first: a sound that cannot be loud enough unless its peaks pass their limit stays as quiet as they keep it.
"""

import re
from typing import Any

import ffmpeg as builder

from ingest.command_line import arguments
from ingest.source import Facts
from matinee.errors import DataLoss
from matinee.settings import LadderSettings

SILENCE = -70.0
"""Loudness of silence, in LUFS: where the gate of EBU R128 lies. A sound of less than 0.4 s measures the same."""
AAC_OVERSHOOT = 1.0  # dB by which the encoder's peaks may pass those that it was given
LOWEST_CEILING = -24.0  # dB; FFmpeg's limiter goes no lower
TOLERANCE, MARGIN = 0.7, 0.3  # LU, dB
WITHIN = 1.0
"""LU by which a title may be louder or quieter than the others."""
ROOM = 6.0
"""dB that a limiter leaves above a sound at most: AAC takes some of the peaks that were let through."""
SPARSE = 25.0
"""dB between peaks and loudness which no limiter makes up for: of clicks in silence."""
MEASURED = re.compile(r"I:\s+(-?[\d.]+|-inf) LUFS|Peak:\s+(-?[\d.]+|-inf) dBFS")


class Loudness(Facts):
    """Integrated loudness in LUFS, and the highest true peak in dBTP: as measured, or as they should be."""

    integrated: float
    true_peak: float


class Level(Facts):
    """A gain in dB, and the ceiling in dBTP under which a limiter holds true peaks behind it, if there is one."""

    gain: float
    ceiling: float | None


UNTOUCHED = Level(gain=0, ceiling=None)


def wanted_loudness(ladder: LadderSettings) -> Loudness:
    """How loud every title should be, and the limit of its peaks."""
    return Loudness(integrated=ladder.loudness_lufs, true_peak=ladder.true_peak_dbtp)


def first_level(wanted: Loudness, source: Loudness) -> Level:
    """The level that should make a source as loud as is wanted; what cannot be measured stays as loud as it is."""
    gain = _lacking(wanted, source)
    ceiling = wanted.true_peak - AAC_OVERSHOOT
    return Level(gain=gain, ceiling=ceiling if source.true_peak + gain > ceiling else None)


def corrected(wanted: Loudness, level: Level, heard: Loudness, *, louder: bool = True) -> Level:
    """The level to try next, after `heard` is what was encoded at `level`; the same when all is well.

    Unless it may become `louder`, only what is too much is taken away.
    """
    lacking = _lacking(wanted, heard)
    if abs(lacking) <= TOLERANCE or (lacking > 0 and not louder):
        lacking = 0
    passed = heard.true_peak - wanted.true_peak
    if passed <= 0:
        return Level(gain=level.gain + lacking, ceiling=level.ceiling)
    ceiling = wanted.true_peak - AAC_OVERSHOOT if level.ceiling is None else level.ceiling
    return Level(gain=level.gain + lacking, ceiling=max(ceiling - passed - MARGIN, LOWEST_CEILING))


def loudness_faults(wanted: Loudness, heard: Loudness) -> list[str]:
    """What is wrong with how loud a title is, a sentence each.

    A sound may be too quiet where more was not possible: its peaks are at their limit, or it is all but silent.
    """
    faults = []
    if heard.true_peak > wanted.true_peak:
        faults.append(f"its true peak is {heard.true_peak:g} dBTP, above {wanted.true_peak:g} dBTP")
    lacking = _lacking(wanted, heard)
    room, sparseness = wanted.true_peak - heard.true_peak, heard.true_peak - heard.integrated
    if lacking < -WITHIN or (lacking > WITHIN and room > ROOM and sparseness < SPARSE):
        faults.append(f"its loudness is {heard.integrated:g} LUFS, not within {WITHIN:g} LU of {wanted.integrated:g}")
    return faults


def measure_arguments(sound: Any) -> list[str]:
    """The arguments of ffmpeg that measure the loudness of a sound."""
    metered = sound.filter("ebur128", peak="true", framelog="quiet")
    return [*arguments(builder.output(metered, "-", f="null")), "-loglevel", "level+info"]


def read_loudness(summary: str) -> Loudness:
    """What the summary of FFmpeg's ebur128 filter says. Raises `DataLoss` when it says nothing."""
    found = MEASURED.findall(summary)
    integrated = [float(loudness) for loudness, _ in found if loudness]
    peaks = [float(peak) for _, peak in found if peak]
    if not integrated or not peaks:
        raise DataLoss("the loudness of the sound could not be measured")
    return Loudness(integrated=integrated[-1], true_peak=peaks[-1])


def _lacking(wanted: Loudness, heard: Loudness) -> float:
    """By how many LU a sound is too quiet; nothing can be said of silence."""
    return wanted.integrated - heard.integrated if heard.integrated > SILENCE else 0.0
