"""VLC without picture, sound or window, led by its remote control interface."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.machine import require
from tests.patience import wait_until

HARMLESS = ("interface error", "libvlc error")
"""What a machine without a desktop makes VLC say."""


def decoder_of(line: str) -> str:
    """The decoder that wrote a line, such as `[h264 @ 0x7fa5d40d4f00]`; of other lines all."""
    return line.partition("]")[0] if " @ " in line else line


class Vlc:
    """A running VLC."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log

    def tell(self, command: str) -> None:
        """Give a command, such as `seek 15`."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()

    def time(self) -> int:
        """Where it is in the film, in whole seconds; 0 before it begins."""
        assert self._process.stdout is not None
        self.tell("get_time")
        for line in self._process.stdout:
            if (answer := line.strip("> \n")).isdigit():
                return int(answer)
        raise AssertionError(f"VLC has ended:\n{self._log.read_text()}")

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds."""
        wait_until(condition, reproach=self._log.read_text)

    def wait_for_time(self, seconds: int) -> None:
        """Wait until it has played so far."""
        self.wait_for(lambda: self.time() >= seconds)

    def errors(self) -> list[str]:
        """What it complained of, but for decoders that it takes down at work, as when it changes rendition."""
        lines = self._log.read_text(errors="replace").splitlines()
        taken_down = {decoder_of(line) for line in lines if "get_buffer() failed" in line}
        complaints = [line for line in lines if " error" in line and not any(words in line for words in HARMLESS)]
        return [line for line in complaints if decoder_of(line) not in taken_down]


def normal_user(home: str) -> dict[str, Any]:
    """What makes `Popen` start a program as nobody, to whom `home` is given."""
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextmanager
def playing(url: str) -> Iterator[Vlc]:
    """Play a URL, as a normal user: VLC refuses to run as root."""
    require("VLC")
    options = ["-I", "oldrc", "--rc-fake-tty", "-v", "--no-color", "--vout", "dummy", "--aout", "dummy"]
    with tempfile.TemporaryDirectory() as home:
        identity = normal_user(home) if os.geteuid() == 0 else {}
        log = Path(home) / "vlc.log"
        with log.open("w") as complaints:
            process = subprocess.Popen(
                ["cvlc", *options, url], env=os.environ | {"HOME": home, "XDG_RUNTIME_DIR": home}, text=True,
                **identity, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints,
            )  # fmt: skip
        try:
            yield Vlc(process, log)
        finally:
            process.kill()
            process.communicate()
