"""Whether a packaged title keeps the rules of docs/standards.md that a script can check, on bytes and manifests."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matinee.errors import DataLoss, InvalidInput
from packager.cmaf_rules import CMAF_RULES
from packager.dash_rules import DASH_RULES
from packager.hls_rules import HLS_RULES, peak_to_average
from packager.index import AssetIndex
from packager.presentation import Presentation

RULES = (*CMAF_RULES, *HLS_RULES, *DASH_RULES)


@dataclass(frozen=True)
class Verdict:
    """What was found of a title, a sentence each.

    `faults` are the rules that it breaks; none means that it can be published. `advice` is what a good title SHOULD
    keep (1.30), and may be published without.
    """

    faults: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


def judge(index: AssetIndex, directory: Path, check: Callable[[], None] = lambda: None) -> Verdict:
    """Inspect the title in `directory`, and hold it to every rule.

    `check` is called at every fragment; what it raises ends the work.
    """
    if not index.video():
        return Verdict(("the title has no video track",))
    try:
        title = Presentation.load(index, directory, check)
    except (DataLoss, InvalidInput, FileNotFoundError) as error:
        return Verdict((f"the title cannot be read: {error}",))
    return Verdict(tuple(fault for rule in RULES for fault in rule(title)), tuple(peak_to_average(title)))
