"""`make services`: what it prints is all that `matinee` has to be told."""

import signal
import subprocess
import sys

import pytest

from tests.stack import ROOT

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGHUP], ids=lambda ending: ending.name)
def test_it_prints_the_settings_of_every_service_and_ends_with_them(ending: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.services"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        told = []
        while not (line := process.stdout.readline()).startswith("#"):
            assert line, "it ended by itself"
            told.append(line.partition("=")[0])
        process.send_signal(ending)
        assert process.wait(60) == 0
    variables = ("DATABASE__URL", "EVENTS__URL", "STORE__URL", "STORE__ENDPOINT", "OIDC__PROVIDERS", "WORKER__EXECUTOR")
    assert {f"export MATINEE_{name}" for name in variables} <= set(told)
