"""Generate what is derived from the contracts: `python -m protos.generate [OUTPUT_DIRECTORY]`.

That is the Python code, and `descriptors.binpb`, which keeps the comments for the API's documentation. The generated
files are committed, and a test regenerates and compares them.
"""

import sys
from importlib.resources import files
from pathlib import Path

from google.api import annotations_pb2
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "protos" / "v1").glob("*.proto"))
DESCRIPTORS = Path("protos/v1/descriptors.binpb")


def includes() -> list[str]:
    """Folders in which imports are looked up: ours, protoc's own, and google/api from googleapis-common-protos."""
    google_api = Path(annotations_pb2.__file__).parents[2]
    return [f"-I{ROOT}", f"-I{files('grpc_tools') / '_proto'}", f"-I{google_api}"]


def compile_protos(*outputs: str) -> None:
    """Run protoc over our protos with the outputs that are wanted. Raises `SystemExit` when it refuses a file."""
    sources = [str(source.relative_to(ROOT)) for source in SOURCES]
    if status := protoc.main(["protoc", *includes(), *outputs, *sources]):
        raise SystemExit(status)


def generate(output: Path) -> None:
    """Write the generated files below `output`."""
    compile_protos(
        f"--python_out={output}",
        f"--grpc_python_out={output}",
        f"--mypy_out={output}",
        f"--mypy_grpc_out={output}",
        "--include_source_info",
        f"--descriptor_set_out={output / DESCRIPTORS}",
    )


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
