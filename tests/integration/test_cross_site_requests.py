"""What the page of another site can have a browser send: at every route, as the tables of the door list them."""

from collections.abc import AsyncIterator

import pytest

from edge.bindings import bindings
from matinee.rpc.metadata import AUTHORIZATION_KEY
from tests.theatre import TUS, Theatre, open_theatre

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

CHANGING = ("POST", "PUT", "PATCH", "DELETE")
OPT_IN = {"matinee-cookies": "1"}
EVIL = {"origin": "https://evil.example"}
FOREIGN = [{}, EVIL, OPT_IN | EVIL, OPT_IN | {"origin": "null"}]
PUBLIC = {(binding.verb, binding.template.plain): binding.method for binding in bindings() if binding.public}
OPENING = {route for route, method in PUBLIC.items() if "refresh_token" in method.output_type.fields_by_name}


@pytest.fixture(scope="module")
async def theatre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    async with open_theatre(tmp_path_factory.mktemp("data")) as opened:
        yield opened


@pytest.fixture
def cookies(theatre: Theatre) -> dict[str, str]:
    """Those of a browser in which an admin is signed in."""
    token = theatre.bearer[AUTHORIZATION_KEY].removeprefix("Bearer ")
    return {"cookie": f"matinee_access={token}; matinee_refresh=some-refresh-token"}


@pytest.mark.parametrize("foreign", FOREIGN)
async def test_no_change_is_made_for_the_page_of_another_site(
    theatre: Theatre, cookies: dict[str, str], foreign: dict[str, str]
) -> None:
    refused = set()
    for route in {(method, path) for method in CHANGING for path in theatre.paths()} - PUBLIC.keys():
        answer = await theatre.client.request(*route, headers=TUS | cookies | foreign)
        assert answer.status_code in (401, 403, 404, 405), route
        if answer.status_code == 403:
            refused.add(route)
    changes = [binding for binding in bindings() if binding.verb in CHANGING and not binding.public]
    assert len(refused) >= len(changes) + 3  # and three of uploads


async def test_the_page_itself_gets_further(theatre: Theatre, cookies: dict[str, str]) -> None:
    answer = await theatre.client.post(
        f"/api/v1/titles/{theatre.title_id}:play", json={"device": "Sofa"}, headers=cookies | OPT_IN
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("foreign", FOREIGN)
async def test_another_site_can_neither_sign_a_browser_in_nor_out(
    theatre: Theatre, cookies: dict[str, str], foreign: dict[str, str]
) -> None:
    assert len(OPENING) == 4
    for route in PUBLIC:
        for headers in ({}, cookies):
            answer = await theatre.client.request(*route, json={}, headers=headers | foreign)
            assert "set-cookie" not in answer.headers, route
            if "matinee-cookies" in foreign and route in OPENING:
                assert answer.status_code == 403, route
