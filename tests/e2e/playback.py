"""FFmpeg as a player of signed URLs."""

import subprocess

import imageio_ffmpeg

OF_PROTOCOL = {
    # FFmpeg 9.0 asks for adjoining byte ranges in one request, and then looks for each but the first too far ahead.
    "hls": ["-http_persistent", "0", "-http_seekable", "0"],
    "dash": [],
}


def play(protocol: str, url: str, *options: str) -> str:
    """Decode what `options` choose, and give what they print on stdout; any fault at all is a failure."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-xerror", "-copyts", *OF_PROTOCOL[protocol]]
    done = subprocess.run([*command, "-i", url, *options], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
