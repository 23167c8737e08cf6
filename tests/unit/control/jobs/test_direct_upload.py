"""What an upload that goes straight to the bucket is made of."""

import hashlib
from base64 import b64encode
from dataclasses import replace

import pytest

from control.jobs.direct_upload import DirectUpload
from matinee.buckets.parts import MOST_PARTS, SMALLEST_PART, part_bytes
from matinee.errors import InvalidInput

GIB = 1024**3
SHA256 = b64encode(hashlib.sha256(b"").digest()).decode()
UPLOAD = DirectUpload(
    upload_id="0" * 32,
    account_id="ada",
    title_id="",
    title_name="Sita",
    file_name="sita.mkv",
    size_bytes=25,
    sha256="",
    part_bytes=10,
    multipart_id="m",
    touched_at=1.5,
)
NAMED = [UPLOAD.part(number, SHA256, f'"{number}"') for number in (1, 2, 3)]


@pytest.mark.parametrize("size", [1, SMALLEST_PART, 10 * GIB, 64 * GIB, 5_000 * GIB])
def test_parts_are_neither_too_many_nor_too_small(size: int) -> None:
    usual = 8 * 1024**2
    assert part_bytes(size, usual) >= usual
    assert -(-size // part_bytes(size, usual)) <= MOST_PARTS
    assert part_bytes(size, usual=1) >= SMALLEST_PART


def test_a_record_says_all() -> None:
    assert DirectUpload.decode(UPLOAD.encode()) == UPLOAD


def test_the_last_part_is_what_remains() -> None:
    assert [part.size for part in NAMED] == [10, 10, 5]


@pytest.mark.parametrize(
    ("number", "sha256"), [(0, SHA256), (4, SHA256), (-1, SHA256), (1, ""), (1, "!"), (1, "AAAA"), (1, "é")]
)
def test_a_part_that_cannot_be_is_refused(number: int, sha256: str) -> None:
    with pytest.raises(InvalidInput):
        UPLOAD.part(number, sha256)


def test_what_arrived_as_it_was_named_is_good() -> None:
    UPLOAD.check(NAMED, [replace(part, etag=f'"{part.etag}"') for part in NAMED])


@pytest.mark.parametrize("named", [[], NAMED[:2], [*NAMED, NAMED[2]], NAMED[::-1]])
def test_all_parts_are_named_in_order(named: list[object]) -> None:
    with pytest.raises(InvalidInput, match="parts 1 to 3 in order"):
        UPLOAD.check(named, NAMED)  # type: ignore[arg-type]


def test_a_part_that_is_not_there_is_told() -> None:
    with pytest.raises(InvalidInput, match="part 2 has not arrived"):
        UPLOAD.check(NAMED, [NAMED[0], NAMED[2]])


@pytest.mark.parametrize("change", [{"size": 11}, {"etag": "other"}])
def test_a_part_that_is_another_is_told(change: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="part 1 is not the one"):
        UPLOAD.check(NAMED, [replace(NAMED[0], **change), *NAMED[1:]])  # type: ignore[arg-type]
