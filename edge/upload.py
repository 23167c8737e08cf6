"""An upload: what was declared, the parts that came, and what it became. Pure: no I/O."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from edge.problems import Refusal
from matinee.errors import InvalidInput
from matinee.layout import part_offset
from matinee.storage.object_store import StoredObject

SMALL_PART_BYTES = 64 * 1024
SMALL_PARTS = 1_000
"""So many parts an upload may have beyond one in each SMALL_PART_BYTES: every part is a file, however small."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What an upload was created as: `length` in bytes, and `metadata` as the client sent it."""

    account_id: str
    length: int
    metadata: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What an upload became."""

    title_id: str
    job_id: str


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload as the store has it.

    `offset` bytes are there, in so many `parts`, the last of them since `touched` (epoch seconds).
    """

    upload_id: str
    declaration: Declaration
    offset: int
    touched: float
    completion: Completion | None = None
    parts: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every byte is there."""
        return self.offset == self.declaration.length

    def check_room(self, count: int) -> None:
        """Raise 413 when so many bytes more go past the declared length."""
        if self.offset + count > self.declaration.length:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body goes past the declared Upload-Length")

    def check_part(self, size: int, usual: int) -> None:
        """Raise `InvalidInput` for one small part too many; `usual` is the size of a whole part, in bytes."""
        small = min(SMALL_PART_BYTES, usual)
        is_last = self.offset + size == self.declaration.length
        if size < small and not is_last and self.parts - self.offset // small >= SMALL_PARTS:
            raise InvalidInput(f"the upload has come in too many small pieces: send {small} bytes or more at a time")


@dataclass(frozen=True, slots=True)
class Run:
    """Parts of an upload from its start, each beginning where the one before it ends; `touched` in epoch seconds."""

    parts: int
    end: int
    touched: float

    def extended(self, items: Iterable[StoredObject]) -> "Run":
        """The run with the parts that follow, ordered by key. Raises 410 when one is missing."""
        run = self
        for item in items:
            offset = part_offset(item.key)
            if offset not in (None, run.end):
                raise Refusal(HTTPStatus.GONE, "parts of this upload are missing in the object store; begin it again")
            is_part = offset is not None
            run = Run(run.parts + is_part, run.end + is_part * item.size, max(run.touched, item.modified))
        return run


NO_PARTS = Run(0, 0, 0.0)
