"""A container is known by its bytes."""

import pytest

from ingest.containers import sniff
from matinee.errors import SourceRefused


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (b"\x00\x00\x00\x20ftypisom", "mov"),
        (b"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat", "mov"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm", "matroska"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "avi"),
        (b"\x00" * 100 + bytes.fromhex("060e2b34020501010d0102010102"), "mxf"),
        ((b"\x47" + bytes(187)) * 6, "mpegts"),
        ((bytes(4) + b"\x47" + bytes(187)) * 6, "mpegts"),
    ],
)
def test_containers_that_are_taken(head: bytes, container: str) -> None:
    assert sniff(head) == container


@pytest.mark.parametrize(
    "head",
    [b"#EXTM3U\nfile:///etc/passwd\n", b"ffconcat version 1.0\n", b"<?xml version='1.0'?><MPD>", b"GIF89a", b"G" * 100],
)
def test_anything_else_is_refused(head: bytes) -> None:
    with pytest.raises(SourceRefused, match="the file is none of MP4"):
        sniff(head)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(SourceRefused, match="the file is empty"):
        sniff(b"")
