"""CPU time of a ladder: spans as the worker encodes them, against ffmpeg commands that a person would write.

Every side has the same binary, preset, rate control and closed GOPs, and one thread an encoder. Rounds go A B C A B C.
"""

import logging
import resource
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import structlog

from bench.table import show
from ingest.ffmpeg import Ffmpeg, Limits
from ingest.ladder import Rung
from ingest.plan import Plan, plan
from ingest.probe import probe
from ingest.span import encode_span, span_request
from matinee import showreel
from matinee.settings import LadderSettings, Settings, SourceSettings

ROUNDS = 5
SECONDS = 16
TOP = "1920x1080"
SETTINGS = LadderSettings(span_segments=2)


def main() -> None:
    """Print the table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    ffmpeg = Ffmpeg.from_settings(Settings().worker)
    with TemporaryDirectory() as folder:
        film = _film(ffmpeg.program, Path(folder))
        planned = plan(probe(film, SourceSettings()), SETTINGS)
        output = Path(folder) / "output"
        sides: dict[str, Callable[[], None]] = {
            "Matinee: spans, decoded once each, cascaded scaling": lambda: _spans(ffmpeg, planned, film, output),
            "one ffmpeg command for each rendition": lambda: _separately(ffmpeg.program, planned, film, output),
            "the best single ffmpeg command": lambda: _at_once(ffmpeg.program, planned, film, output),
        }
        measured: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
        for _ in range(ROUNDS):
            for name, run in sides.items():
                output.mkdir(exist_ok=True)
                measured[name].append(_measure(run))
    _print(planned, measured)


def _print(planned: Plan, measured: dict[str, list[tuple[float, float]]]) -> None:
    ours = median(cpu for cpu, _ in next(iter(measured.values())))
    rows = []
    for name, runs in measured.items():
        cpu, wall = median(run[0] for run in runs), median(run[1] for run in runs)
        rows.append((name, f"{cpu:.1f} s", f"{wall:.1f} s", f"{ours / cpu:.2f}x"))
    rungs = ", ".join(rung.name for rung in planned.rungs)
    length = float(planned.duration)
    title = f"Ladder of {rungs} lines, {length:.0f} s of real clips at {TOP}, {SETTINGS.preset}, {ROUNDS} rounds"
    show(title, ("", "CPU", "wall, one at a time", "Matinee's CPU against it"), rows)


def _measure(run: Callable[[], None]) -> tuple[float, float]:
    """CPU and wall seconds of a run and its child processes."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return cpu, time.monotonic() - started


def _film(ffmpeg: str, folder: Path) -> Path:
    cut = folder / "showreel.mp4"
    subprocess.run(showreel.command(ffmpeg, showreel.clips(), cut), check=True)
    film = folder / "film.mp4"
    scaled = ["-vf", f"scale={TOP.replace('x', ':')}", "-c:v", "libx264", "-preset", "veryfast", "-crf", "12", "-an"]
    subprocess.run([ffmpeg, "-loglevel", "error", "-i", cut, "-t", str(SECONDS), *scaled, film], check=True)
    return film


def _spans(ffmpeg: Ffmpeg, planned: Plan, film: Path, output: Path) -> None:
    for span in planned.spans:
        request = span_request(planned, span, SETTINGS, source_sha256="", version=ffmpeg.version())
        encode_span(request, film, output, ffmpeg, Limits.from_settings(Settings().worker, planned.duration))


def _separately(ffmpeg: str, planned: Plan, film: Path, output: Path) -> None:
    for rung in planned.rungs:
        scaled = ["-vf", f"scale={rung.width}:{rung.height}:flags=bicubic"]
        subprocess.run([*_input(ffmpeg, film), *scaled, *_encoder(planned, rung, output)], check=True)


def _at_once(ffmpeg: str, planned: Plan, film: Path, output: Path) -> None:
    graph, above = [], "0:v"
    for number, rung in enumerate(planned.rungs):
        last = number == len(planned.rungs) - 1
        split = f"[r{number}]" if last else f",split[r{number}][s{number}]"
        graph.append(f"[{above}]scale={rung.width}:{rung.height}:flags=bicubic{split}")
        above = f"s{number}"
    outputs: list[str] = []
    for number, rung in enumerate(planned.rungs):
        outputs += ["-map", f"[r{number}]", *_encoder(planned, rung, output)]
    subprocess.run([*_input(ffmpeg, film), "-filter_complex", ";".join(graph), *outputs], check=True)


def _input(ffmpeg: str, film: Path) -> list[str]:
    return [ffmpeg, "-nostdin", "-y", "-loglevel", "error", "-threads", "1", "-i", str(film)]


def _encoder(planned: Plan, rung: Rung, output: Path) -> list[str]:
    gop = str(planned.gop_frames)
    quality = ["-preset", SETTINGS.preset, "-profile:v", "high", "-crf", f"{SETTINGS.crf:g}", "-pix_fmt", "yuv420p"]
    limits = ["-maxrate", f"{rung.max_kbps}k", "-bufsize", f"{rung.buffer_kb}k"]
    gops = ["-g", gop, "-keyint_min", gop, "-sc_threshold", "0", "-flags", "+cgop", "-threads", "1"]
    return ["-c:v", "libx264", *quality, *limits, *gops, "-f", "mp4", str(output / f"{rung.name}.mp4")]


if __name__ == "__main__":
    main()
