"""Sample entries: what a decoder must know before the first sample (ISO/IEC 14496-12 clause 12, 14496-14, 14496-15)."""

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

from matinee.errors import DataLoss, InvalidInput
from packager.boxes import Fields, box, payload, payloads

VISUAL_FIELDS = 78
"""Bytes of a VisualSampleEntry before its boxes (12.1.3)."""
WIDEST = 1 << 16
AUDIO_FIELDS = 28
"""Bytes of an AudioSampleEntry before its boxes (12.2.3)."""


@dataclass(frozen=True)
class Colour:
    """The colour of pictures: `colr` of type nclx (14496-12, 12.1.5), in the code points of ISO/IEC 23091-2."""

    primaries: int = 1
    transfer: int = 1
    matrix: int = 1
    full_range: bool = False

    def encode(self) -> bytes:
        """The `colr` box."""
        fields = struct.pack(">HHHB", self.primaries, self.transfer, self.matrix, self.full_range << 7)
        return box(b"colr", b"nclx", fields)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The colour that a `colr` payload of type nclx tells."""
        fields = Fields(data)
        if fields.take_bytes(4) != b"nclx":
            raise InvalidInput("the colour of a video track is not given as nclx")
        primaries, transfer, matrix, full_range = fields.take("HHHB")
        return cls(primaries, transfer, matrix, bool(full_range >> 7))


@dataclass(frozen=True)
class VideoEntry:
    """An AVC sample entry: `avc1` with `avcC` (14496-15, 5.4), `colr` and `pasp` (14496-12, 12.1.4).

    `config` is the payload of `avcC`: profile, level, SPS and PPS. `sample_aspect` is the width of a pixel over its
    height. Raises `InvalidInput` for a picture of 65,536 square pixels or more across, which no track header can hold.
    """

    KIND: ClassVar[bytes] = b"avc1"

    width: int
    height: int
    config: bytes
    colour: Colour = Colour()
    sample_aspect: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        if self.width * self.sample_aspect >= WIDEST:
            raise InvalidInput(f"pixels of {self.sample_aspect} make a picture too wide to be shown")

    def encode(self) -> bytes:
        """The `avc1` box; resolution 72 dpi, one frame per sample, depth 24, as the standard's template has them."""
        fields = struct.pack(">6xH16xHHIIIH32xHh", 1, self.width, self.height, 0x480000, 0x480000, 0, 1, 0x18, -1)
        aspect = struct.pack(">II", self.sample_aspect.numerator, self.sample_aspect.denominator)
        return box(self.KIND, fields, box(b"avcC", self.config), self.colour.encode(), box(b"pasp", aspect))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The entry with this `avc1` payload; without `colr` it is BT.709, without `pasp` its pixels are square."""
        fields = Fields(data)
        width, height = fields.take("24xHH50x")
        inner = fields.rest()
        colours = payloads(inner, b"colr")
        aspects = payloads(inner, b"pasp")
        return cls(
            width,
            height,
            payload(inner, b"avcC"),
            Colour.decode(colours[0]) if colours else Colour(),
            _aspect(aspects[0]) if aspects else Fraction(1),
        )


def _aspect(data: bytes) -> Fraction:
    horizontal, vertical = Fields(data).take("II")
    if not horizontal or not vertical:
        raise DataLoss("a pixel aspect ratio has a zero in it")
    return Fraction(horizontal, vertical)


@dataclass(frozen=True)
class AudioEntry:
    """An AAC sample entry: `mp4a` (14496-12, 12.2.3) with `esds` (14496-14, 6.7.2).

    `config` is the AudioSpecificConfig (14496-3, 1.6.2.1).
    """

    KIND: ClassVar[bytes] = b"mp4a"

    channels: int
    sample_rate: int
    config: bytes

    def encode(self) -> bytes:
        """The `mp4a` box."""
        fields = struct.pack(">6xH8xHH4xI", 1, self.channels, 16, self.sample_rate << 16)
        return box(self.KIND, fields, box(b"esds", bytes(4), _elementary_stream(self.config)))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The entry with this `mp4a` payload."""
        fields = Fields(data)
        channels, sample_rate = fields.take("16xH6xH2x")
        stream = Fields(payload(fields.rest(), b"esds"))
        stream.take_bytes(4)
        return cls(channels, sample_rate, _decoder_config(stream.rest()))


Entry = VideoEntry | AudioEntry

# Descriptor tags of ISO/IEC 14496-1, 7.2.2.1
ES, DECODER_CONFIG, DECODER_SPECIFIC, SYNC_LAYER = 0x03, 0x04, 0x05, 0x06
MPEG4_AUDIO, AUDIO_STREAM = 0x40, 0x15


def _elementary_stream(config: bytes) -> bytes:
    """An ES_Descriptor (14496-1, 7.2.6.5) around an AudioSpecificConfig; bit rates are left unstated."""
    decoder = _descriptor(
        DECODER_CONFIG, struct.pack(">BB11x", MPEG4_AUDIO, AUDIO_STREAM) + _descriptor(DECODER_SPECIFIC, config)
    )
    return _descriptor(ES, bytes(3) + decoder + _descriptor(SYNC_LAYER, b"\x02"))


def _descriptor(tag: int, body: bytes) -> bytes:
    """A descriptor with an expandable size of four bytes (14496-1, 8.3.3)."""
    size = bytes(len(body) >> shift & 0x7F | (0x80 if shift else 0) for shift in (21, 14, 7, 0))
    return bytes([tag]) + size + body


def _open_descriptor(data: bytes, wanted: int) -> bytes:
    """The body of the descriptor with which `data` begins."""
    fields = Fields(data)
    tag, size = fields.one("B"), 0
    for _ in range(4):
        byte = fields.one("B")
        size = size << 7 | byte & 0x7F
        if byte < 0x80:
            break
    if tag != wanted:
        raise DataLoss(f"an esds box has descriptor {tag} where {wanted} belongs")
    return fields.take_bytes(size)


def _decoder_config(data: bytes) -> bytes:
    """The AudioSpecificConfig inside an ES_Descriptor."""
    stream = Fields(_open_descriptor(data, ES))
    flags = stream.take("HB")[1]
    stream.take_bytes(2 * bool(flags & 0x80))
    if flags & 0x40:
        stream.take_bytes(stream.one("B"))
    stream.take_bytes(2 * bool(flags & 0x20))
    decoder = Fields(_open_descriptor(stream.rest(), DECODER_CONFIG))
    if decoder.take("B12x")[0] != MPEG4_AUDIO:
        raise InvalidInput("the sound of a track is not MPEG-4 audio")
    return _open_descriptor(decoder.rest(), DECODER_SPECIFIC)
