"""By whose credential the command line calls an instance on the same machine."""

import json
from pathlib import Path

import httpx
import pytest

from matinee.cli.api import Api
from matinee.cli.credential import administrators
from matinee.errors import Unauthenticated
from matinee.settings import load_settings


def test_a_login_of_the_administrator_that_works_no_more_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "admin.json").write_text(json.dumps({"email": "admin@matinee.local", "password": "the first"}))
    refused = httpx.MockTransport(lambda _: httpx.Response(401, json={"detail": "the password is wrong"}))
    with httpx.Client(transport=refused) as client, pytest.raises(Unauthenticated) as caught:
        administrators(load_settings(data=tmp_path), Api("http://127.0.0.1:1", client)).token()
    assert str(tmp_path / "admin.json") in str(caught.value)
    assert "matinee login" in str(caught.value)
