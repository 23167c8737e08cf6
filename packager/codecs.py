"""What decoders are needed, read from their configuration records and said as RFC 6381 says it."""

from dataclasses import dataclass

from matinee.errors import DataLoss, InvalidInput

IDR = 5
"""NAL unit type of a slice of an IDR picture (ITU-T H.264, table 7-1)."""
SLICES = range(1, 6)
AAC_LC = 2
SAMPLE_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
"""By samplingFrequencyIndex (ISO/IEC 14496-3, table 1.18)."""


@dataclass(frozen=True)
class AvcConfig:
    """The head of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1)."""

    profile: int
    compatibility: int
    level: int
    length_size: int

    @classmethod
    def decode(cls, data: bytes) -> "AvcConfig":
        """The record in a payload of `avcC`; `DataLoss` when it is too short or of another version."""
        if len(data) < 7 or data[0] != 1:
            raise DataLoss("an avcC box is damaged")
        return cls(data[1], data[2], data[3], (data[4] & 3) + 1)

    @property
    def codecs(self) -> str:
        """The CODECS value (RFC 6381, 3.3), such as `avc1.64001f`."""
        return f"avc1.{self.profile:02x}{self.compatibility:02x}{self.level:02x}"

    def starts_with_idr(self, sample: bytes) -> bool:
        """Whether the first slice of a sample is one of an IDR picture."""
        at = 0
        while at + self.length_size < len(sample):
            kind = sample[at + self.length_size] & 0x1F
            if kind in SLICES:
                return kind == IDR
            at += self.length_size + int.from_bytes(sample[at : at + self.length_size])
        return False


@dataclass(frozen=True)
class AacConfig:
    """The head of an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1)."""

    object_type: int
    sample_rate: int
    channels: int

    @classmethod
    def decode(cls, data: bytes) -> "AacConfig":
        """The record; `InvalidInput` for the rarer forms that AAC-LC at a common rate never has."""
        if len(data) < 2:
            raise DataLoss("an AudioSpecificConfig is damaged")
        bits = int.from_bytes(data[:2])
        object_type, rate_index, channels = bits >> 11, bits >> 7 & 0xF, bits >> 3 & 0xF
        if rate_index >= len(SAMPLE_RATES) or not channels:
            raise InvalidInput("sound is AAC of a form that is not supported")
        return cls(object_type, SAMPLE_RATES[rate_index], 8 if channels == 7 else channels)

    @property
    def codecs(self) -> str:
        """The CODECS value (RFC 6381, 3.3), such as `mp4a.40.2`."""
        return f"mp4a.40.{self.object_type}"
