"""A film that somebody dropped into the object store. Pure: no I/O."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from matinee.declaration import LONGEST_FILE_NAME, LONGEST_TITLE
from matinee.layout import INCOMING, drop_id
from matinee.storage.object_store import StoredObject

FILMS = ("mp4", "m4v", "mov", "mkv", "webm", "ts", "m2ts", "mts", "avi", "mxf")
"""How names of films end; what a film is, its first bytes tell when it is probed."""
ON_THE_WAY = ("part", "partial", "tmp", "crdownload", "filepart")
"""How programs call a file that they have not written to its end."""


@dataclass(frozen=True, slots=True)
class Drop:
    """An object below `incoming/`: its id, its key, its size in bytes, and when it was written (epoch seconds)."""

    drop_id: str
    key: str
    size: int
    modified: float

    @classmethod
    def of(cls, item: StoredObject) -> "Drop":
        """What an object of the store is as a drop."""
        return cls(drop_id(item.key, item.etag, item.size, item.modified), item.key, item.size, item.modified)

    @property
    def file_name(self) -> str:
        """The name of the file, as it can be shown."""
        return _shown(PurePosixPath(self.key).name)[-LONGEST_FILE_NAME:]

    @property
    def title_name(self) -> str:
        """The name of its title: that of the file without its suffix."""
        return (_shown(PurePosixPath(self.key).stem) or "film")[:LONGEST_TITLE].strip()

    @property
    def is_meant(self) -> bool:
        """Whether somebody may mean it as a film: it is no folder, not hidden, and no file on its way."""
        path = PurePosixPath(self.key)
        is_folder = not (self.size or path.suffix)
        hidden = any(name.startswith(".") for name in path.relative_to(INCOMING).parts)
        return not (is_folder or hidden or path.suffix.lower().lstrip(".") in ON_THE_WAY)

    def refusal(self) -> str:
        """Why it is not even looked into, in one sentence; empty for what may be a film."""
        if PurePosixPath(self.key).suffix.lower().lstrip(".") not in FILMS:
            return f"{self.file_name} is not taken for a film: the names of those end in .{', .'.join(FILMS)}"
        return "" if self.size else "the file is empty"


def _shown(name: str) -> str:
    return "".join(char if char.isprintable() else " " for char in name).strip()
