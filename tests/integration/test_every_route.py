"""Every route that the application itself knows, so that a new one is tried too: nothing without a token, and nothing
but what it names.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.bindings import bindings
from tests.theatre import MEDIA_FILES, METHODS, TUS, Theatre, open_theatre

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

OPEN_CALLS = {
    "Register", "ConfirmEmail", "RequestPasswordReset", "ResetPassword", "Login", "Refresh", "Logout",
    "ListProviders", "BeginSignIn", "CompleteSignIn", "ListPlans", "ReceivePayment",
}  # fmt: skip
OPEN_PATHS = {"/api/openapi.json", "/.well-known/jwks.json", "/healthz", "/readyz"}
SECRET = "the password of the administrator"
TRICKS = [
    "..%2f..%2fsecret.txt",
    "..%2F..%2F..%2F..%2Fetc%2Fpasswd",
    "%2e%2e/%2e%2e/secret.txt",
    "../../secret.txt",
    "..%5c..%5csecret.txt",
    "%252e%252e%252fsecret.txt",
    "..%c0%af..%c0%afsecret.txt",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "secret.txt%00",
    "%00",
    "file:%2f%2f%2fetc%2fpasswd",
]


@pytest.fixture(scope="module")
async def theatre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    data: Path = tmp_path_factory.mktemp("data")
    (data / "secret.txt").write_text(SECRET)
    async with open_theatre(data) as opened:
        yield opened


async def test_nothing_answers_without_a_token_but_what_is_meant_for_everybody(theatre: Theatre) -> None:
    answered = set()
    for path in theatre.paths():
        for method in METHODS:
            answer = await theatre.client.request(method, path, headers=TUS)
            if answer.status_code not in (401, 403, 404, 405) and (method != "OPTIONS" or answer.content):
                answered.add(path)
    calls = {binding.template.plain for binding in bindings() if binding.method.name in OPEN_CALLS}
    assert answered - calls == OPEN_PATHS


async def test_the_same_paths_answer_with_a_token(theatre: Theatre) -> None:
    signed = {f"{theatre.signed}{name}" for name in MEDIA_FILES}
    for path in signed | {"/api/v1/titles", "/api/v1/account", f"/api/v1/titles/{theatre.title_id}"}:
        assert (await theatre.client.get(path, headers=theatre.bearer)).status_code == 200, path


@pytest.mark.parametrize("trick", TRICKS)
async def test_tricks_with_paths_open_nothing_anywhere(theatre: Theatre, trick: str) -> None:
    for folder in theatre.folders():
        for method in METHODS[:-1]:
            answer = await theatre.client.request(method, folder + trick, headers=TUS | theatre.bearer)
            refused = answer.status_code in (400, 401, 404, 405, 409)
            assert refused or (folder, answer.status_code) == ("/watch/", 200), (method, folder + trick)
            assert SECRET not in answer.text
            assert "root:" not in answer.text
