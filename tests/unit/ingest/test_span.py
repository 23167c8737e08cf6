"""Spans: the command line is exactly this, and joined spans hold every frame once."""

import shlex
from fractions import Fraction
from pathlib import Path

import pytest

from ingest.ffmpeg import Ffmpeg, Limits
from ingest.ladder import ladder
from ingest.plan import Span, plan
from ingest.probe import probe
from ingest.source import Picture
from ingest.span import SpanRequest, encode_span, span_arguments, span_request
from matinee.settings import LadderSettings, SourceSettings, WorkerSettings
from tests.films import film, luma_frames, read_counter

FFMPEG = Ffmpeg.from_settings(WorkerSettings())
LIMITS = Limits(memory_bytes=6 * 1024**3, wall_seconds=60)
PICTURE = Picture(
    stream=0,
    codec="h264",
    width=1280,
    height=720,
    sample_aspect=Fraction(1),
    rotation=90,
    interlaced=True,
    bit_depth=8,
    transfer="sdr",
    matrix="bt601",
    full_range=True,
    frame_rate=Fraction(25),
    timed=True,
    start=Fraction(7, 5),
    duration=Fraction(60),
    frames=1500,
    keyframes=(),
)
REQUEST = SpanRequest(
    source_sha256="00" * 32,
    ffmpeg_version="n9.0.2",
    container="mpegts",
    picture=PICTURE,
    begins=Fraction(7, 5) + 30,
    seek=Fraction(149, 5),
    frames=750,
    frame_rate=Fraction(25),
    gop_frames=50,
    rungs=ladder(PICTURE.display_size, (360, 234), Fraction(25)),
    preset="veryfast",
    crf=21,
)
COMMAND = """
-f mpegts -codec_whitelist DECODERS -copyts -fflags +genpts -format_whitelist mpegts -noaccurate_seek -noautorotate
-protocol_whitelist file -reinit_filter:v 0 -seek_timestamp 1 -ss 28800000us -threads 1 -i file:/in/film
-filter_complex
'[0:0]bwdif=deint=all:mode=send_frame[s0];[s0]settb=1/46080000[s1];[s1]setpts=PTS-(1446912000)[s2];
[s2]fps=fps=25[s3];[s3]tpad=stop=-1:stop_mode=clone[s4];[s4]fps=fps=25:start_time=0[s5];[s5]trim=end_frame=750[s6];
[s6]transpose=clock[s7];
[s7]scale=360:640:flags=bicubic:in_color_matrix=bt601:in_range=pc:out_color_matrix=bt709:out_range=tv[s8];
[s8]format=yuv420p[s9];[s9]sidedata=delete[s10];[s10]setsar=1[s11];
[s11]setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:field_mode=prog:range=tv[s12];
[s12]split=2[s13][s14];[s14]scale=234:416:flags=bicubic[s15];[s15]setsar=1[s16]'
-map '[s13]' -f mp4 -bufsize 1552k -c:v libx264 -crf 21 -enc_time_base 1/25 -fflags +bitexact -flags +cgop+bitexact
-fps_mode passthrough -g 50 -keyint_min 50 -map_metadata -1 -maxrate 1035k
-movflags +frag_keyframe+empty_moov+default_base_moof -preset veryfast -profile:v high -sc_threshold 0 -threads 1
-x264-params cabac=1:8x8dct=1 file:/out/360.mp4
-map '[s16]' -f mp4 -bufsize 778k -c:v libx264 -crf 21 -enc_time_base 1/25 -fflags +bitexact -flags +cgop+bitexact
-fps_mode passthrough -g 50 -keyint_min 50 -map_metadata -1 -maxrate 519k
-movflags +frag_keyframe+empty_moov+default_base_moof -preset veryfast -profile:v high -sc_threshold 0 -threads 1
-x264-params cabac=1:8x8dct=1 file:/out/234.mp4
-hide_banner -nostdin -y -loglevel error -nostats -progress pipe:1 -filter_threads 1 -filter_complex_threads 1
"""


def words(command: str) -> list[str]:
    return [word.replace("\n", "") for word in shlex.split(command)]


def test_the_command_line() -> None:
    made = span_arguments(REQUEST, Path("/in/film"), Path("/out"))
    made[made.index("-codec_whitelist") + 1] = "DECODERS"
    assert made == words(COMMAND)


def test_a_digest_depends_on_what_the_bytes_depend_on() -> None:
    assert REQUEST.digest() == REQUEST.model_copy().digest()
    assert REQUEST.digest() != REQUEST.model_copy(update={"crf": 22.0}).digest()
    assert REQUEST.digest() != REQUEST.model_copy(update={"source_sha256": "11" * 32}).digest()


@pytest.mark.parametrize(
    ("rate", "ending"), [("25", "mkv"), ("24000/1001", "mkv"), ("30000/1001", "ts"), ("60", "mp4")]
)
def test_three_spans_hold_every_frame_once(rate: str, ending: str, tmp_path: Path) -> None:
    source = film(tmp_path / f"film.{ending}", rate=rate, seconds=13, size=(160, 90), audio=())
    numbers, spans = joined(source, tmp_path)
    assert len(spans) == 3
    assert numbers == list(range(round(13 * Fraction(rate))))


def joined(source: Path, folder: Path) -> tuple[list[int], tuple[Span, ...]]:
    """The numbers that the frames of a film show, encoded in spans of 6 s and put in a row."""
    settings = LadderSettings(heights=(90,), preset="ultrafast", span_segments=1)
    planned = plan(probe(source, SourceSettings()), settings)
    numbers: list[int] = []
    for span in planned.spans:
        request = span_request(planned, span, settings, source_sha256="00" * 32, version="any")
        encode_span(request, source, folder, FFMPEG, LIMITS)
        numbers += [read_counter(frame) for frame in luma_frames(folder / "90.mp4", (160, 90))]
    return numbers, planned.spans


def test_spans_of_a_variable_rate_hold_a_picture_until_the_next_even_across_their_seam(tmp_path: Path) -> None:
    dropped = ["-vf", "select='not(eq(mod(n,5),3)+between(n,145,155))'", "-fps_mode", "vfr", "-g", "40"]
    source = film(tmp_path / "film.mp4", seconds=13, size=(160, 90), audio=(), options=dropped)
    kept = [number for number in range(325) if number % 5 != 3 and not 145 <= number <= 155]
    numbers, spans = joined(source, tmp_path)
    assert [span.first for span in spans] == [0, 150, 300]
    assert numbers == [max(number for number in kept if number <= shown) for shown in range(325)]


def test_a_span_behind_the_last_picture_shows_that_picture(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mkv", seconds=1, size=(160, 90), audio=())
    planned = plan(probe(source, SourceSettings()), LadderSettings())
    asked = span_request(planned, planned.spans[0], LadderSettings(), source_sha256="00" * 32, version="any")
    encode_span(asked.model_copy(update={"begins": Fraction(5), "frames": 10}), source, tmp_path, FFMPEG, LIMITS)
    assert [read_counter(frame) for frame in luma_frames(tmp_path / "90.mp4", (160, 90))] == [24] * 10


def test_the_same_request_gives_the_same_bytes(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", seconds=1, size=(160, 90), audio=())
    planned = plan(probe(source, SourceSettings()), LadderSettings())
    request = span_request(planned, planned.spans[0], LadderSettings(), source_sha256="00" * 32, version="any")
    written = []
    for folder in (tmp_path / "one", tmp_path / "other"):
        folder.mkdir()
        encode_span(request, source, folder, FFMPEG, LIMITS)
        written.append((folder / "90.mp4").read_bytes())
    assert written[0] == written[1]
