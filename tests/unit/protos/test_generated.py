"""The generated code is what the protos say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from protos.generate import DESCRIPTORS, ROOT


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated")
    plugins = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "protos.generate", str(folder)]
    subprocess.run(command, cwd=ROOT, env=os.environ | plugins, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("pattern", ["*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi", DESCRIPTORS.name])
def test_the_committed_files_are_the_generated_ones(generated: Path, pattern: str) -> None:
    made = {path.name: path.read_bytes() for path in (generated / "protos" / "v1").glob(pattern)}
    committed = {path.name: path.read_bytes() for path in (ROOT / "protos" / "v1").glob(pattern)}
    assert made.keys() == committed.keys()
    assert [name for name in made if made[name] != committed[name]] == [], "run `python -m protos.generate`"
