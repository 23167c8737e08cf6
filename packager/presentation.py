"""A packaged title as a player meets it: files and manifests side by side, for validation to compare."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, Self
from xml.etree.ElementTree import Element, fromstring

from packager.dash import NAMESPACE, manifest
from packager.hls import iframe_playlist, main_playlist, media_playlist
from packager.index import AssetIndex, Track
from packager.inspection import TrackFile, inspect


class Entry(NamedTuple):
    """A segment of a media playlist: its duration in seconds, and its byte range."""

    duration: Fraction
    size: int
    offset: int


@dataclass(frozen=True)
class Presentation:
    """A title: index, files by track name, and manifests; `media` and `iframes` are playlists by track name."""

    index: AssetIndex
    files: dict[str, TrackFile]
    main: str
    media: dict[str, str]
    iframes: dict[str, str]
    mpd: str

    @classmethod
    def load(cls, index: AssetIndex, directory: Path, check: Callable[[], None] = lambda: None) -> Self:
        """Inspect the files and render the manifests. `check` and errors are those of `inspect`."""
        return cls(
            index=index,
            files={track.name: inspect(directory / track.name, check) for track in index.tracks},
            main=main_playlist(index),
            media={track.name: media_playlist(index, track) for track in index.tracks},
            iframes={track.name: iframe_playlist(track) for track in index.video()},
            mpd=manifest(index),
        )

    def tracks(self) -> list[tuple[Track, TrackFile]]:
        """Every track with its file."""
        return [(track, self.files[track.name]) for track in self.index.tracks]

    def video(self) -> list[tuple[Track, TrackFile]]:
        """Every rendition with its file, tallest first."""
        return [(track, self.files[track.name]) for track in self.index.video()]

    def audio(self) -> list[tuple[Track, TrackFile]]:
        """Every audio track with its file."""
        return [(track, self.files[track.name]) for track in self.index.audio()]

    def tags(self, name: str) -> list[dict[str, str]]:
        """The attributes of every line of the main playlist with this tag (RFC 8216bis, 4.2)."""
        return [attributes(line) for line in re.findall(rf"^#{name}:(.*)$", self.main, re.MULTILINE)]

    def playlists(self) -> list[tuple[str, str]]:
        """Every media and I-frame playlist, with the name of its track."""
        return [*self.media.items(), *self.iframes.items()]

    def document(self) -> Element:
        """The MPD as a tree."""
        return fromstring(self.mpd)  # noqa: S314 - rendered here a moment ago, nobody else's bytes

    def representations(self) -> list[tuple[Element, Element, Track]]:
        """Every Representation of a known track, with its AdaptationSet."""
        return [
            (adaptation_set, representation, track)
            for adaptation_set in self.document().iter(dash("AdaptationSet"))
            for representation in adaptation_set.iter(dash("Representation"))
            if (track := self.index.track(representation.findtext(dash("BaseURL"), "")))
        ]


def dash(name: str) -> str:
    """The name of an MPD element with its namespace."""
    return f"{{{NAMESPACE}}}{name}"


def attributes(line: str) -> dict[str, str]:
    """An attribute list (RFC 8216bis, 4.2), quotation marks removed."""
    return {name: value.strip('"') for name, value in re.findall(r'([A-Z0-9-]+)=("[^"]*"|[^",]*)', line)}


def entries(playlist: str) -> list[Entry]:
    """The segments of a media playlist."""
    found = re.findall(r"#EXTINF:([0-9.]+),\n#EXT-X-BYTERANGE:(\d+)@(\d+)", playlist)
    return [Entry(Fraction(duration), int(size), int(offset)) for duration, size, offset in found]


def tag_value(playlist: str, name: str) -> str:
    """The value of the one tag with this name; empty when it is not there."""
    found = re.search(rf"^#{name}:(.*)$", playlist, re.MULTILINE)
    return found[1] if found else ""
