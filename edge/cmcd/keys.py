"""The reserved keys of CMCD: which values each may have (CTA-5004-B, table 1; CTA-5004 for what only version 1 has).

What is an inner list in version 2 was a single value in version 1: both are taken. Values that should be rounded are
taken unrounded. `url` is left out, for the URL of a media request holds the viewer's token; and so is every key that
nobody defined, unless it is a custom one (4.1, items 5 and 6).
"""

from collections.abc import Callable, Iterator
from decimal import Decimal

from http_sf import InnerListType, ItemType, Token

Member = ItemType | InnerListType
Check = Callable[[Member], bool]

LONGEST_LIST = 20
LONGEST_CUSTOM = 64
"""Characters of a custom key's name, and of its value."""

_DAY = 86_400_000
_KBPS = 100_000_000
_ENCODED_KBPS = 1_000_000
"""Of what is played: a gigabit a second, which no film for viewers has. One who claims more would spoil the mean."""
_COUNT = 10**12
_FRAMES = 10**8
"""Of 60 frames a second more than a fortnight."""


def bare(member: Member) -> object:
    """The value of a member of a dictionary, or of an inner list, without its parameters."""
    return member[0] if isinstance(member, tuple) else member


def _items(member: Member) -> Iterator[object]:
    value = bare(member)
    yield from map(bare, value) if isinstance(value, list) else [value]


def _is_integer(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _integer(most: int) -> Check:
    return lambda member: _is_integer(bare(member), most)


def _integers(most: int) -> Check:
    return lambda member: _is_short(member) and all(_is_integer(value, most) for value in _items(member))


def _is_short(member: Member) -> bool:
    value = bare(member)
    return not isinstance(value, list) or 0 < len(value) <= LONGEST_LIST


def _string(longest: int) -> Check:
    return lambda member: isinstance(value := bare(member), str) and len(value) <= longest


def _strings(longest: int) -> Check:
    return lambda member: (
        _is_short(member) and all(isinstance(value, str) and len(value) <= longest for value in _items(member))
    )


def _token(*allowed: str) -> Check:
    return lambda member: isinstance(value := bare(member), Token) and str(value) in allowed


def _boolean(member: Member) -> bool:
    return isinstance(bare(member), bool)


def _rate(member: Member) -> bool:
    value = bare(member)
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and 0 <= value <= 100


EVENTS = (
    "abs", "abe", "ae", "as", "b", "bc", "c", "ce", "e", "h", "m", "pc", "pe", "pr", "ps", "rr", "sk", "t", "um",
)  # fmt: skip
STATES = ("s", "p", "k", "r", "a", "w", "e", "f", "q", "d")
OBJECTS = ("m", "a", "v", "av", "i", "c", "tt", "k", "o")

RESERVED: dict[str, Check] = {
    **dict.fromkeys(("ab", "br", "lab", "lb", "pb", "tab", "tb", "tpb"), _integers(_ENCODED_KBPS)),
    "mtp": _integers(_KBPS),
    **dict.fromkeys(("bl", "bsd", "bsda", "tbl"), _integers(_DAY)),
    "bsa": _integers(_COUNT),
    **dict.fromkeys(("bg", "bs", "nr", "su"), _boolean),
    **dict.fromkeys(("d", "dl", "ltc", "msd", "ttfb", "ttfbb", "ttlb"), _integer(_DAY)),
    "rtp": _integer(_KBPS),
    "dfa": _integer(_FRAMES),
    "sn": _integer(_COUNT),
    "pt": _integer(10**14),
    "ts": _integer(10**14),
    "rc": _integer(999),
    "v": _integer(2),
    "pr": _rate,
    "e": _token(*EVENTS),
    "ot": _token(*OBJECTS),
    "sf": _token("d", "h", "e", "s", "o"),
    "st": _token("v", "l", "ll"),
    "sta": _token(*STATES),
    "ec": _strings(128),
    "nor": _strings(1024),
    "nrr": _string(64),
    **dict.fromkeys(("cid", "h"), _string(128)),
    **dict.fromkeys(("cen", "sid"), _string(64)),
    **dict.fromkeys(("cmsdd", "cmsds", "cs", "smrt"), _string(2048)),
}


def is_custom(key: str, member: Member) -> bool:
    """Whether this is a custom key, by its hyphen, with a string or token of bounded length."""
    value = bare(member)
    return "-" in key and len(key) <= LONGEST_CUSTOM and isinstance(value, str | Token) and len(value) <= LONGEST_CUSTOM
