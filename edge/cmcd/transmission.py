"""Where CMCD is in a media request: in four headers (clause 3.1), or in the query argument `CMCD` (clause 3.2)."""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

HEADERS = (b"cmcd-object", b"cmcd-request", b"cmcd-session", b"cmcd-status")

_ARGUMENT = re.compile(rb"(?:^|&)CMCD=([^&]*)")


def attached(query: bytes, headers: Mapping[bytes, bytes]) -> bytes | None:
    """The record that comes with a request, or None. Headers count, and not the query, where there are any (section 6).

    A blank may come as %20 or as +, which stands for itself in no encoder.
    """
    shards = [headers[name] for name in HEADERS if name in headers]
    if shards:
        return b",".join(shards)
    found = _ARGUMENT.search(query) if b"CMCD=" in query else None
    return unquote_to_bytes(found[1].replace(b"+", b" ")) if found else None
