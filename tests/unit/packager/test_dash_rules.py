"""Each rule of the DASH manifest, broken in the text, and the fault that says so."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from packager.dash_rules import DASH_RULES
from packager.index import AssetIndex
from packager.presentation import Presentation

CASES: dict[str, tuple[str, str, str]] = {
    "static": ('type="static"', 'type="dynamic"', "not a static presentation"),
    "profile": ("isoff-on-demand", "isoff-live", "not a static presentation of the on-demand profile"),
    "duration": (r'Duration="PT2\.5', 'Duration="PT2.6', "mediaPresentationDuration is not"),
    "every track": ("<BaseURL>v90.mp4", "<BaseURL>v91.mp4", "not one Representation for each track"),
    "kind": ('mimeType="audio/mp4"', 'mimeType="video/mp4"', "is in a set of another kind"),
    "indexRange": (r'indexRange="(\d)', r'indexRange="1\1', "SegmentBase of v180.mp4 is not its sidx"),
    "timescale": ('timescale="24000"', 'timescale="90000"', "SegmentBase of v180.mp4 is not its sidx"),
    "Initialization": ('range="0-', 'range="1-', "Initialization@range of v180.mp4 is not its header"),
    "T0": (r' presentationTimeOffset="\d+"', "", "presentationTimeOffset of v180.mp4 is not T0"),
    "alignment": ('subsegmentAlignment="true"', 'subsegmentAlignment="false"', "is not aligned"),
    "SAP": ('subsegmentStartsWithSAP="1"', 'subsegmentStartsWithSAP="2"', "does not start with SAP 1"),
    "codecs": ("mp4a.40.2", "mp4a.40.5", "@codecs of a0-eng.mp4 is not mp4a.40.2"),
    "maxWidth": ('maxWidth="320"', 'maxWidth="160"', "maxWidth and maxHeight"),
    "frameRate": ('frameRate="24"', 'frameRate="25"', "frameRate or par"),
    "par": (r' par="\d+:\d+"', "", "frameRate or par"),
    "sar": (r' sar="1:1"', "", "width, height or sar of v180.mp4"),
    "lang": (' lang="de"', "", "@lang of a1-deu.mp4"),
    "channels": ("<AudioChannelConfiguration[^>]*>", "", "AudioChannelConfiguration of a0-eng.mp4 is missing"),
    "Role": ("<Role[^>]*>", "", "AdaptationSet 0 has no Role"),
    "main Role": ('value="alternate"', 'value="main"', "not one main set of each kind"),
    "minBufferTime": (r'minBufferTime="PT[\d.]+S"', 'minBufferTime="PT0.5S"', "minBufferTime does not hold"),
}


@pytest.fixture
def presentation(title: tuple[AssetIndex, Path]) -> Presentation:
    return Presentation.load(*title)


def faults(presentation: Presentation) -> list[str]:
    return [fault for rule in DASH_RULES for fault in rule(presentation)]


@pytest.mark.parametrize(("pattern", "text", "fault"), CASES.values(), ids=CASES.keys())
def test_a_broken_rule_is_a_fault(presentation: Presentation, pattern: str, text: str, fault: str) -> None:
    assert faults(presentation) == []
    broken, times = re.subn(pattern, text, presentation.mpd, count=1)
    assert times
    assert any(fault in found for found in faults(replace(presentation, mpd=broken)))
