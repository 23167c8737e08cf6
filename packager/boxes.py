"""ISO BMFF boxes: the bytes that every MP4 file is made of (ISO/IEC 14496-12, clause 4.2).

A box is a 32-bit size, four characters that name its kind, and a payload: fields, or more boxes. Lookups follow an
explicit path, so nothing here recurses; every size is checked against what surrounds it. Damaged bytes raise
`DataLoss`.
"""

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Self

from matinee.errors import DataLoss

LARGEST_HEADER = 64 * 1024**2
"""Most bytes of a box or a sample that is read into memory; only `mdat` may be larger, and is not read whole."""
MOST_CHILDREN = 10_000
MOST_TOP_LEVEL_BOXES = 1_000_000


@dataclass(frozen=True)
class Box:
    """Where a box lies in the bytes or the file around it, header included."""

    kind: bytes
    start: int
    header_size: int
    size: int

    @property
    def payload_start(self) -> int:
        """Offset of the first byte after the header."""
        return self.start + self.header_size

    @property
    def end(self) -> int:
        """Offset of the first byte after the box."""
        return self.start + self.size


def box(kind: bytes, *payload: bytes) -> bytes:
    """A box around its payload (4.2.2)."""
    body = b"".join(payload)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _header(head: bytes, start: int, end: int) -> Box:
    """The box whose first bytes are `head`, at `start` of something that ends at `end`.

    A size of 1 announces a 64-bit size, and 0 a box that reaches to the end (4.2.2).
    """
    if len(head) < 8:
        raise DataLoss(f"a box at byte {start} ends inside its header")
    size, kind = struct.unpack_from(">I4s", head)
    header_size = 8
    if size == 1:
        if len(head) < 16:
            raise DataLoss(f"a box at byte {start} ends inside its header")
        header_size, size = 16, struct.unpack_from(">Q", head, 8)[0]
    elif size == 0:
        size = end - start
    if not header_size <= size <= end - start:
        raise DataLoss(f"the box {kind!r} at byte {start} claims {size} bytes where {end - start} are left")
    return Box(kind, start, header_size, size)


def children(data: bytes) -> list[Box]:
    """The boxes that `data` consists of, in order."""
    found: list[Box] = []
    at = 0
    while at < len(data):
        found.append(_header(data[at : at + 16], at, len(data)))
        at = found[-1].end
        if len(found) > MOST_CHILDREN:
            raise DataLoss(f"a box has more than {MOST_CHILDREN} children")
    return found


def payloads(data: bytes, *path: bytes) -> list[bytes]:
    """The payloads of all boxes at a path such as `b"trak", b"mdia"` below `data`, in order."""
    level = [data]
    for kind in path:
        level = [
            outer[child.payload_start : child.end] for outer in level for child in children(outer) if child.kind == kind
        ]
    return level


def payload(data: bytes, *path: bytes) -> bytes:
    """The payload of the one box at a path below `data`; `DataLoss` when there is none, or more than one."""
    found = payloads(data, *path)
    if len(found) != 1:
        raise DataLoss(f"there are {len(found)} boxes {b'/'.join(path).decode('latin-1')!r} where one belongs")
    return found[0]


def scan(file: BinaryIO) -> Iterator[Box]:
    """The top-level boxes of a file, in order; only their headers are read."""
    end = file.seek(0, 2)
    at = 0
    for _ in range(MOST_TOP_LEVEL_BOXES):
        if at == end:
            return
        file.seek(at)
        found = _header(file.read(16), at, end)
        yield found
        at = found.end
    raise DataLoss(f"a file has more than {MOST_TOP_LEVEL_BOXES} boxes")


def read_payload(file: BinaryIO, found: Box) -> bytes:
    """The payload of a box of a file; `DataLoss` when it is too large to be a header."""
    if found.size > LARGEST_HEADER:
        raise DataLoss(f"the box {found.kind!r} claims {found.size} bytes, more than any header has")
    return read_exactly(file, found.payload_start, found.end - found.payload_start)


def read_exactly(file: BinaryIO, offset: int, size: int) -> bytes:
    """`size` bytes at `offset`; `DataLoss` when the file does not have them."""
    if offset < 0:
        raise DataLoss("an address lies before the start of the file")
    file.seek(offset)
    data = file.read(size)
    if len(data) != size:
        raise DataLoss(f"the file ends before byte {offset + size}")
    return data


class Fields:
    """Reads the fields of a payload one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, layout: str) -> tuple[int, ...]:
        """The next big-endian integers, in the letters of `struct`."""
        form = struct.Struct(">" + layout)
        return form.unpack(self.take_bytes(form.size))

    def one(self, layout: str) -> int:
        """The next big-endian integer."""
        return self.take(layout)[0]

    def take_bytes(self, size: int) -> bytes:
        """The next `size` bytes."""
        if size > len(self._data) - self._at:
            raise DataLoss("a box ends inside its fields")
        self._at += size
        return self._data[self._at - size : self._at]

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take_bytes(len(self._data) - self._at)


@dataclass(frozen=True)
class FullBox(ABC):
    """A box of fields with a version and flags (4.2.2); subclasses say which."""

    KIND: ClassVar[bytes]

    def encode(self) -> bytes:
        """The whole box."""
        version, flags = self.version_and_flags()
        return box(self.KIND, struct.pack(">I", version << 24 | flags), self.body())

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The box with this payload."""
        fields = Fields(data)
        head = fields.one("I")
        return cls.read(head >> 24, head & 0xFFFFFF, fields)

    def version_and_flags(self) -> tuple[int, int]:
        """Version and flags as they are written."""
        return 0, 0

    @abstractmethod
    def body(self) -> bytes:
        """The fields as they are written."""

    @classmethod
    @abstractmethod
    def read(cls, version: int, flags: int, fields: Fields) -> Self:
        """The box with these fields."""
