"""A whole title made from a source in the test's own process: probed, planned, encoded and assembled."""

from dataclasses import dataclass
from pathlib import Path

from ingest.assembly import assemble
from ingest.audio import audio_request, encode_audio
from ingest.ffmpeg import Ffmpeg, Limits
from ingest.loudness import wanted_loudness
from ingest.plan import Plan, plan
from ingest.probe import probe
from ingest.signature import read_signature, write_signature
from ingest.span import encode_span, span_request
from ingest.validation import judge_asset, track_faults
from matinee.settings import LadderSettings, SourceSettings, WorkerSettings
from packager.index import AssetIndex

FFMPEG = Ffmpeg.from_settings(WorkerSettings())
LIMITS = Limits(memory_bytes=6 * 1024**3, wall_seconds=60)
QUICK = LadderSettings(preset="superfast")
SHA256 = "00" * 32


@dataclass(frozen=True)
class Title:
    """A title and where it lies."""

    source: Path
    plan: Plan
    index: AssetIndex
    directory: Path

    def path(self, number: int, kind: str = "video") -> Path:
        """The file of a track; of pictures, number 0 is the largest."""
        tracks = self.index.video() if kind == "video" else self.index.audio()
        return self.directory / tracks[number].name

    def faults(self, settings: LadderSettings = QUICK) -> list[str]:
        """What validation by these settings says."""
        write_signature(self.plan, self.source, self.directory, FFMPEG, LIMITS)
        wanted = read_signature(self.directory)
        found = list(judge_asset(self.plan, self.index, self.directory).faults)
        for track in self.index.tracks:
            found += track_faults(
                track,
                self.plan,
                self.directory,
                wanted,
                loudness=wanted_loudness(settings),
                ffmpeg=FFMPEG,
                limits=LIMITS,
            )
        return found


def make_title(source: Path, folder: Path, settings: LadderSettings = QUICK) -> Title:
    """Make the title of a film in `folder`."""
    planned = plan(probe(source, SourceSettings()), settings)
    asset = folder / "asset"
    asset.mkdir(parents=True)
    index = assemble(planned, encode_spans(planned, source, folder, settings), _audio(planned, source, folder), asset)
    return Title(source, planned, index, asset)


def encode_spans(planned: Plan, source: Path, folder: Path, settings: LadderSettings = QUICK) -> list[Path]:
    """Encode every span of a plan into a folder of its own."""
    folders = []
    for span in planned.spans:
        folders.append(folder / f"span{span.number}")
        folders[-1].mkdir()
        request = span_request(planned, span, settings, source_sha256=SHA256, version="any")
        encode_span(request, source, folders[-1], FFMPEG, LIMITS)
    return folders


def _audio(planned: Plan, source: Path, folder: Path) -> list[Path]:
    folders = []
    for track in planned.audio:
        folders.append(folder / track.name)
        folders[-1].mkdir()
        request = audio_request(planned, track, QUICK, source_sha256=SHA256, version="any")
        encode_audio(request, source, folders[-1], FFMPEG, LIMITS)
    return folders
