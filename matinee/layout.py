"""The layout of the object store: the keys that more than one room knows.

They are made by us, never by a client; but those below `incoming/`, which nobody takes for more than names.

    uploads/<upload>/<offset>    a film as it came: parts, each named by its first byte in 16 digits
    spans/<upload>/…             what was encoded of it so far, until its title is published
    assets/<asset>/…             a title's tracks, with the index of their fragments and a poster
    artwork/<title>/<version>/…  a picture that was uploaded for a title, in several widths
    incoming/…                   films that somebody drops there, under names of their own
    direct/<upload>              an upload that is control's, and not the edge's: it goes straight to the bucket
    unfinished/<account>/…       uploads that have not ended (see `matinee.unfinished`)

Beside them each room keeps what is its own: edge `staged/` and `completed/`, ingest `publications/`.
"""

import hashlib
import json
import re

UPLOADS = "uploads"
DIRECT = "direct"
INCOMING = "incoming"
SPANS = "spans"
INDEX = "index.bin"
"""The name of an asset's index, which is written when all else is there."""
POSTER = "poster.jpg"

_PART = re.compile(rf"{UPLOADS}/[^/]+/([0-9]{{16}})")


def upload_prefix(upload_id: str) -> str:
    """The key prefix of an upload."""
    return f"{UPLOADS}/{upload_id}"


def part_key(upload_id: str, offset: int) -> str:
    """The key of the part of an upload that begins at a byte."""
    return f"{upload_prefix(upload_id)}/{offset:016d}"


def direct_key(upload_id: str) -> str:
    """The key of the record of an upload that goes straight to the bucket."""
    return f"{DIRECT}/{upload_id}"


def drop_id(key: str, etag: str, size: int, modified: float) -> str:
    """The id of an object that somebody dropped: another one under the same key has another id.

    Servers tell the time of writing (epoch seconds) in whole seconds, or in fractions of them, as they are asked.
    """
    told = json.dumps([key, etag.strip('"'), size, int(modified)])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def part_offset(key: str) -> int | None:
    """At which byte of its upload a part begins; None for what is no part."""
    found = _PART.fullmatch(key)
    return int(found[1]) if found else None


def span_prefix(upload_id: str) -> str:
    """The key prefix of the results of encoding an upload."""
    return f"{SPANS}/{upload_id}"


def asset_prefix(asset_id: str) -> str:
    """The key prefix of an asset."""
    return f"assets/{asset_id}"


def asset_key(asset_id: str, name: str) -> str:
    """The key of one file of an asset."""
    return f"{asset_prefix(asset_id)}/{name}"


def artwork_prefix(title_id: str, version: str = "") -> str:
    """The key prefix of the pictures of a title, or of one version of one of them."""
    return f"artwork/{title_id}/{version}".rstrip("/")


def artwork_key(title_id: str, version: str, width: int) -> str:
    """The key of a picture of a title in one width."""
    return f"{artwork_prefix(title_id, version)}/{width}.jpg"
