"""Generate the Python code of the contracts: `python -m protos.generate [OUTPUT_DIRECTORY]`.

The generated files are committed, and a test regenerates and compares them.
"""

import sys
from importlib.resources import files
from pathlib import Path

from google.api import annotations_pb2
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "protos" / "v1").glob("*.proto"))


def includes() -> list[str]:
    """Folders in which imports are looked up: ours, protoc's own, and google/api from googleapis-common-protos."""
    google_api = Path(annotations_pb2.__file__).parents[2]
    return [f"-I{ROOT}", f"-I{files('grpc_tools') / '_proto'}", f"-I{google_api}"]


def generate(output: Path) -> None:
    """Write `protos/v1/*_pb2*.py[i]` below `output`. Raises `SystemExit` when protoc refuses a file."""
    arguments = [
        "protoc",
        *includes(),
        f"--python_out={output}",
        f"--grpc_python_out={output}",
        f"--mypy_out={output}",
        f"--mypy_grpc_out={output}",
        *(str(source.relative_to(ROOT)) for source in SOURCES),
    ]
    if status := protoc.main(arguments):
        raise SystemExit(status)


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
