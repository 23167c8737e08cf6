"""`matinee doctor`: what is wrong, and how to mend it."""

import sys
from pathlib import Path

import pytest

from matinee.cli.doctor import examine, foreign_claims
from matinee.settings import load_settings


def install(folder: Path, distribution: str, package: str) -> None:
    """Lay out a distribution with one top-level package, as pip does."""
    (folder / package).mkdir(parents=True)
    information = folder / f"{distribution.replace('-', '_')}-1.2.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
    (information / "top_level.txt").write_text(f"{package}\n")


def test_another_distribution_that_claims_one_of_our_names_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "edge-computing", "edge")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    finding = foreign_claims("edge")
    assert (finding.well, finding.state) == (False, "claimed by edge-computing 1.2 too")
    assert finding.mend == "pip uninstall edge-computing"


def test_nobody_else_claims_our_names_here() -> None:
    assert all(finding.well for finding in map(foreign_claims, ("matinee", "packager", "ingest", "edge", "control")))


def test_a_house_that_does_not_run_is_told_with_what_to_do(tmp_path: Path) -> None:
    wrong = {finding.name: finding.mend for finding in examine(load_settings(data=tmp_path)) if not finding.well}
    assert wrong == {
        "public door": "start it with `matinee up`",
        "control": "start it with `matinee up` or `matinee control`",
    }


def test_an_ffmpeg_that_is_not_there_is_told(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, worker={"ffmpeg": str(tmp_path / "ffmpeg")})
    [finding] = [finding for finding in examine(settings) if finding.name == "ffmpeg"]
    assert not finding.well
    assert "worker.ffmpeg" in finding.mend
