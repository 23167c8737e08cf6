"""Whether a packaged title keeps the rules of docs/standards.md that a script can check, on bytes and manifests."""

from pathlib import Path

from matinee.errors import DataLoss, InvalidInput
from packager.cmaf_rules import CMAF_RULES
from packager.dash_rules import DASH_RULES
from packager.hls_rules import HLS_RULES, peak_to_average
from packager.index import AssetIndex
from packager.presentation import Presentation

RULES = (*CMAF_RULES, *HLS_RULES, *DASH_RULES)


def faults(index: AssetIndex, directory: Path) -> list[str]:
    """Every rule that the title in `directory` breaks, a sentence each; none means that it can be published."""
    if not index.video():
        return ["the title has no video track"]
    try:
        title = Presentation.load(index, directory)
    except (DataLoss, InvalidInput, FileNotFoundError) as error:
        return [f"the title cannot be read: {error}"]
    return [fault for rule in RULES for fault in rule(title)]


def advice(index: AssetIndex, directory: Path) -> list[str]:
    """What a good title SHOULD keep (1.30), a sentence each; a title may be published without."""
    return list(peak_to_average(Presentation.load(index, directory)))
