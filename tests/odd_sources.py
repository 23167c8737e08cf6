"""Sources as the field has them: each function makes one, small, at the path that it is given."""

import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from tests.films import X264, film, run

SECONDS = 3
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "3", "-g", "12", "-bf", "2", "-pix_fmt", "yuv420p")
AV1 = ("-c:v", "libsvtav1", "-preset", "10", "-crf", "20")
HEVC10 = ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1")
STRIPE = "if(gt(Y,H/2)*lt(mod(X,16),7),{},128)"  # narrow, so that the number and the flash can still be read
STRIPES = f"format=yuv420p,geq=lum='lum(X,Y)':cb='{STRIPE.format(230)}':cr='{STRIPE.format(26)}'"


def plain(path: Path, *options: str) -> Path:
    """A common film of 3 s."""
    return film(path, seconds=SECONDS, options=options)


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def truncated(path: Path, percent: int) -> Path:
    """The first part of a film whose index comes first."""
    plain(path, "-movflags", "+faststart") if path.suffix == ".mp4" else plain(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * percent // 100])
    return path


def bit_flipped(path: Path) -> Path:
    """A film with one bit in 4000 bytes turned over, its first 16 kB left alone."""
    data = bytearray(plain(path).read_bytes())
    places = random.Random(7)
    for _ in range(len(data) // 4000):
        data[places.randrange(16_000, len(data))] ^= 1 << places.randrange(8)
    path.write_bytes(data)
    return path


def variable_rate(path: Path) -> Path:
    """A film that lacks every fifth picture, and some longer stretches."""
    left_out = "select='not(eq(mod(n,5),3)+between(n,30,41))'"
    return plain(path, "-vf", left_out, "-fps_mode", "vfr", "-enc_time_base", "1/1000")


def joined(path: Path) -> Path:
    """Two films of which one was put behind the other."""
    plain(path).write_bytes(path.read_bytes() * 2)
    return path


def silent(path: Path) -> Path:
    return film(path, seconds=SECONDS, audio=())


def only_sound(path: Path) -> Path:
    run(["-f", "lavfi", "-i", "sine=d=1", str(path)])
    return path


def with_cover_only(path: Path) -> Path:
    """Sound with a cover, which is no film."""
    cover = path.with_suffix(".jpg")
    run(["-f", "lavfi", "-i", "testsrc=d=0.04", "-frames:v", "1", str(cover)])
    sound = ["-f", "lavfi", "-i", "sine=d=1", "-i", str(cover)]
    run([*sound, "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v:0", "attached_pic", str(path)])
    return path


def sized(path: Path, width: int, height: int) -> Path:
    return film(path, seconds=SECONDS, size=(width, height), video_options=["-c:v", "ffv1"])


def anamorphic(path: Path) -> Path:
    """Stored 240 wide, shown 320 wide."""
    return film(path, seconds=SECONDS, size=(240, 180), options=["-aspect", "16:9"])


def rotated(path: Path, degrees: int) -> Path:
    """Stored lying, and shown upright by a display matrix: `degrees` clockwise."""
    lying = {90: "transpose=cclock", 180: "hflip,vflip", 270: "transpose=clock"}[degrees]
    stored = plain(path.with_name("lying.mp4"), "-vf", lying)
    run(["-display_rotation:v:0", str(-degrees), "-i", str(stored), "-c", "copy", str(path)])
    return path


def ten_bit(path: Path) -> Path:
    return film(
        path, seconds=SECONDS, video_options=["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le"]
    )


def high_dynamic_range(path: Path, transfer: str, *changes: str) -> Path:
    """BT.2020 with the transfer of HDR10 (smpte2084) or HLG (arib-std-b67), striped in saturated colours.

    `changes` are filters that spoil the pictures.
    """
    filters = ["-vf", ",".join([STRIPES, *changes])]
    return film(path, seconds=SECONDS, video_options=[*filters, *HEVC10, *_bt2100(transfer)])


def graphics(path: Path, pattern: str, matrix: str, levels: str = "tv") -> Path:
    """A pattern of FFmpeg's sources in standard dynamic range; `levels` are tv or pc."""
    encoder = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-colorspace", matrix]
    colours = f"scale=out_color_matrix={matrix}:out_range={levels},format=yuv420p"
    run(["-f", "lavfi", "-i", f"{pattern},trim=duration={SECONDS},{colours}", *encoder, str(path)])
    return path


def bright_graphics(path: Path, pattern: str, transfer: str) -> Path:
    """A pattern of FFmpeg's sources in HDR10 or HLG."""
    source = f"{pattern},trim=duration={SECONDS},scale=out_color_matrix=bt2020"
    run(["-f", "lavfi", "-i", source, *HEVC10, *_bt2100(transfer), str(path)])
    return path


def _bt2100(transfer: str) -> list[str]:
    colours = f"colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc:range=limited"
    return ["-x265-params", f"{colours}:log-level=none"]


def interlaced(path: Path) -> Path:
    fields = ["-vf", "interlace=lowpass=0", "-flags", "+ilme+ildct", *MPEG2]
    return film(path, seconds=SECONDS, rate=Fraction(50), video_options=fields)


def surround(path: Path) -> Path:
    return film(path, seconds=SECONDS, channels=6, audio=("eng", "deu"))


def changing_sound(path: Path) -> Path:
    """Two programmes of a broadcast on one clock: the sound of the first is stereo, of the second 5.1 and slower."""
    whole = film(path.with_name("whole.mkv"), seconds=2 * SECONDS, channels=6, options=["-g", "25", "-bf", "0"])
    first, second = path.with_name("first.ts"), path.with_name("second.ts")
    for part, begins, options in ((first, 0, ["-ac", "2"]), (second, SECONDS, ["-ar", "44100"])):
        cut = ["-ss", str(begins), "-t", str(SECONDS), "-i", str(whole), "-c:v", "copy", "-c:a", "ac3", *options]
        run([*cut, "-muxdelay", "0", "-muxpreload", "0", "-output_ts_offset", str(begins), str(part)])
    path.write_bytes(first.read_bytes() + second.read_bytes())
    return path


def announced_sound(path: Path) -> Path:
    """A film with an audio stream in which nothing ever comes."""
    shown = ["-i", str(silent(path.with_name("silent.mkv"))), "-f", "lavfi", "-i", "anullsrc=d=1"]
    run([*shown, "-map", "0", "-map", "1", *X264, "-bsf:a", "noise=drop=1", str(path)])
    return path


def shifted(path: Path, seconds: float) -> Path:
    """A film whose clock starts at another time, before zero too."""
    return plain(path, "-output_ts_offset", str(seconds), "-muxdelay", "0", "-avoid_negative_ts", "disabled")


def sound_late(path: Path) -> Path:
    """A film whose sound starts 0.7 s later than its pictures; still in step."""
    whole = ["-i", str(plain(path.with_name("whole.mkv")))]
    run([*whole, "-c:v", "copy", "-af", "atrim=start=0.7", str(path)])
    return path


def sound_early(path: Path) -> Path:
    """A film whose sound starts 1 s earlier than its pictures; still in step."""
    whole = ["-i", str(plain(path.with_name("whole.mkv"), "-g", "25"))]
    run(["-copyts", "-ss", "1.2", *whole, *whole, "-map", "0:v", "-map", "1:a", "-c", "copy", str(path)])
    return path


def outlasted(path: Path, pictures: float, sound: float) -> Path:
    """A film whose sound goes on when its pictures, so many seconds of each, have ended."""
    shown = film(path.with_name("shown.mkv"), seconds=pictures, audio=())
    heard = film(path.with_name("heard.mkv"), seconds=sound, size=(16, 16))
    run(["-i", str(shown), "-i", str(heard), "-map", "0:v", "-map", "1:a", *X264, str(path)])
    return path


def edited(path: Path) -> Path:
    """A film whose edit list begins between two keyframes."""
    whole = film(path.with_name("whole.mp4"), seconds=SECONDS + 1, video_options=[*X264, "-g", "30"])
    run(["-ss", "0.5", "-i", str(whole), "-c", "copy", str(path)])
    return path


def repackaged(path: Path, options: Sequence[str]) -> Path:
    """A common film with other codecs."""
    return film(path, seconds=SECONDS, video_options=options)
