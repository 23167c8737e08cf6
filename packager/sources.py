"""Encoded media as FFmpeg writes it: the input of the packager.

The form is fragmented MP4 with one track, `-movflags frag_keyframe+empty_moov+default_base_moof` for pictures and
`-frag_duration 2000000 -movflags empty_moov+default_base_moof` for sound: it can be read front to back with one
fragment's table in memory, and a file that was cut short shows it. Edit lists and absolute times are not used.
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from matinee.errors import DataLoss
from packager.boxes import LARGEST_HEADER, Box, read_exactly, read_payload, scan
from packager.fragments import Sample, decode_fragment
from packager.movie import Movie


class SourceFile:
    """An open file of encoded samples; `InvalidInput` for another form of file, `DataLoss` for a damaged one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")
        try:
            self.movie = self._read_movie()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _read_movie(self) -> Movie:
        for found in scan(self._file):
            if found.kind == b"moov":
                return Movie.decode(read_payload(self._file, found))
        raise DataLoss(f"{self.path.name} has no moov box")

    def fragments(self) -> Iterator[tuple[Box, int, list[Sample]]]:
        """Every `moof`, its decode time and its samples, in order."""
        for found in scan(self._file):
            if found.kind == b"moof":
                yield found, *decode_fragment(read_payload(self._file, found), found.start, self.movie.defaults)

    def samples(self) -> Iterator[Sample]:
        """Every sample in decoding order."""
        for _, _, samples in self.fragments():
            yield from samples

    def read(self, sample: Sample) -> bytes:
        """The bytes of a sample."""
        return read_sample(self._file, sample)


def read_sample(file: BinaryIO, sample: Sample) -> bytes:
    """The bytes of a sample of a file."""
    if sample.size > LARGEST_HEADER:
        raise DataLoss(f"a sample claims {sample.size} bytes, more than any has")
    return read_exactly(file, sample.offset, sample.size)
