"""An upload that goes straight to the bucket: what was declared, and where its parts are. Pure: no I/O."""

import json
from base64 import b64decode
from binascii import Error
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from matinee.buckets.parts import Part
from matinee.errors import InvalidInput
from matinee.layout import part_key

SHA256_BYTES = 32


@dataclass(frozen=True, slots=True)
class DirectUpload:
    """The record of an upload; sizes in bytes, `touched_at` in epoch seconds.

    `multipart_id` is what the bucket calls it. `title_id` is the title that gets a new version, or empty.
    """

    upload_id: str
    account_id: str
    title_id: str
    title_name: str
    file_name: str
    size_bytes: int
    sha256: str
    part_bytes: int
    multipart_id: str
    touched_at: float

    @property
    def key(self) -> str:
        """Where the film lies when it is joined: as the one part of an upload."""
        return part_key(self.upload_id, 0)

    @property
    def count(self) -> int:
        """How many parts it has."""
        return -(-self.size_bytes // self.part_bytes)

    def encode(self) -> bytes:
        """The record, as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, record: bytes) -> "DirectUpload":
        """The upload that a record speaks of."""
        return cls(**json.loads(record))

    def part(self, number: int, sha256: str, etag: str = "") -> Part:
        """One of its parts. Raises `InvalidInput` for a number that it has not, and for what is no SHA-256."""
        if not 1 <= number <= self.count:
            raise InvalidInput(f"the upload has the parts 1 to {self.count}, and none of number {number}")
        if not _is_sha256(sha256):
            raise InvalidInput(f"the sha256 of part {number} is not the Base64 of a SHA-256")
        rest = self.size_bytes - (number - 1) * self.part_bytes
        return Part(number, min(self.part_bytes, rest), sha256, etag.strip('"'))

    def check(self, named: Sequence[Part], there: Sequence[Part]) -> None:
        """Raise `InvalidInput` unless all parts are named in order, and are there as they were named."""
        if [part.number for part in named] != list(range(1, self.count + 1)):
            raise InvalidInput(f"name the parts 1 to {self.count} in order, each once")
        found = {part.number: part for part in there}
        for part in named:
            other = found.get(part.number)
            if other is None:
                raise InvalidInput(f"part {part.number} has not arrived")
            if (other.size, other.etag.strip('"')) != (part.size, part.etag):
                raise InvalidInput(f"part {part.number} is not the one that arrived; send it again")


def _is_sha256(text: str) -> bool:
    try:
        return len(b64decode(text, validate=True)) == SHA256_BYTES
    except (Error, ValueError):
        return False
