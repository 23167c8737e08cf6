"""Which container a file is, by its first bytes; its name is never looked at.

FFmpeg's own guessing would take a playlist for a film and open what it names (CVE-2017-9993, CVE-2026-107697), so only
these five demuxers are ever used, and each is forced.
"""

import struct

from ingest.source import Container
from matinee.errors import SourceRefused

# The full names of the demuxers, by which FFmpeg's option format_whitelist goes.
DEMUXERS: dict[Container, str] = {
    "mov": "mov,mp4,m4a,3gp,3g2,mj2",
    "matroska": "matroska,webm",
    "mpegts": "mpegts",
    "avi": "avi",
    "mxf": "mxf",
}
HEAD_BYTES = 64 * 1024
TAKEN = "MP4 or MOV, Matroska or WebM, MPEG-TS, AVI and MXF"

EBML = b"\x1a\x45\xdf\xa3"
MXF_PARTITION_PACK = bytes.fromhex("060e2b34020501010d01020101")  # SMPTE ST 377-1, 7.1
MXF_RUN_IN = 65_536
MOV_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
TS_PACKETS = (188, 192, 204)  # plain, with a time code, with error correction
TS_SYNC = 0x47
TS_RUN = 5


def sniff(head: bytes) -> Container:
    """The demuxer for a file that begins with `head`. Raises `SourceRefused` for any other kind of file."""
    if not head:
        raise SourceRefused("the file is empty")
    if len(head) >= 8 and head[4:8] in MOV_BOXES and struct.unpack(">I", head[:4])[0] != 0:
        return "mov"
    if head.startswith(EBML) and (b"matroska" in head[:128] or b"webm" in head[:128]):
        return "matroska"
    if head.startswith(b"RIFF") and head[8:12] in {b"AVI ", b"AVIX"}:
        return "avi"
    if MXF_PARTITION_PACK in head[:MXF_RUN_IN]:
        return "mxf"
    if any(_is_transport_stream(head, size) for size in TS_PACKETS):
        return "mpegts"
    raise SourceRefused(f"the file is none of {TAKEN}")


def _is_transport_stream(head: bytes, packet: int) -> bool:
    """Sync bytes at the same place of several packets in a row (ISO/IEC 13818-1, 2.4.3.2)."""
    first = packet - 188 if packet == 192 else 0
    syncs = head[first : first + TS_RUN * packet : packet]
    return len(syncs) == TS_RUN and set(syncs) == {TS_SYNC}
