"""What lies in an object store, name by name, and which of the names are of no use.

obstore gives up a list at the first name that is not UTF-8, that holds control characters or that has an empty segment,
and at a folder that it may not enter or that leads in a circle; a file that it may not read it lists. So names that
somebody else chose are looked at here.
"""

import os
import re
from contextlib import closing
from dataclasses import dataclass, field
from itertools import filterfalse
from pathlib import Path

from matinee.buckets.bucket import Bucket

_UNUSABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]|(?:^|/)\.{0,2}(?:/|$)")
_HALF_WRITTEN = re.compile(r"#[0-9]+\Z")
"""What obstore calls a file until it is whole; it neither lists nor reads one of such a name."""


@dataclass(slots=True)
class Inventory:
    """Keys of objects; the names that are of no use, as they can be shown; whether a folder is not there."""

    keys: list[str] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)
    away: bool = False

    def add(self, name: str, *, readable: bool = True) -> None:
        """Note an object."""
        if readable and not _UNUSABLE.search(name):
            self.keys.append(name)
        else:
            self.refuse(name)

    def refuse(self, name: str) -> None:
        """Note a name that is of no use."""
        self.unusable.append(shown(name))


def shown(name: str) -> str:
    r"""A name of somebody else's, with what cannot be printed as its escape, such as `caf\xe9.mkv`."""
    text = os.fsencode(name).decode(errors="backslashreplace")
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def of_folder(root: Path, prefix: str) -> Inventory:
    """What lies below a folder of the folder `root`."""
    found = Inventory()

    def note(error: OSError) -> None:
        if isinstance(error, FileNotFoundError):  # not yet, or not any more
            found.away = True
        else:
            found.refuse(os.path.relpath(error.filename, root))

    for folder, folders, files in os.walk(root / prefix, onerror=note, followlinks=True):
        here = Path(folder).resolve()
        for name in [*folders]:
            if Path(folder, name).resolve() in (here, *here.parents):
                folders.remove(name)
                found.refuse(os.path.relpath(Path(folder, name), root))
        for name in filterfalse(_HALF_WRITTEN.search, files):
            path = Path(folder, name)
            found.add(os.path.relpath(path, root), readable=os.access(path, os.R_OK))
    return found


def of_bucket(bucket: Bucket, prefix: str) -> Inventory:
    """What lies below a prefix in a bucket. Raises `PermissionDenied`, `Unavailable`."""
    from matinee.buckets.client import connect, translated

    found = Inventory()
    with translated(), closing(connect(bucket)) as client:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, Prefix=bucket.key(f"{prefix}/"))
        for page in pages:
            for item in page.get("Contents", []):
                found.add(item["Key"].removeprefix(bucket.key("")).rstrip("/"))
    return found
