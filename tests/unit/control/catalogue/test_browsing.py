"""Lists and searches over the wire: filters, orders, and tokens that belong to their query."""

import base64
import json
from typing import Any

import pytest

from protos.v1.catalogue_pb2 import (
    TITLE_KIND_FILM,
    TITLE_KIND_SERIES,
    TITLE_ORDER_NAME,
    TITLE_ORDER_YEAR,
    TITLE_STATE_DRAFT,
    TITLE_STATE_PUBLISHED,
    ListTitlesRequest,
    SearchTitlesRequest,
)
from tests.catalogue import create, found, listed
from tests.control_house import House, refusal

pytestmark = pytest.mark.anyio


async def shelf(house: House) -> None:
    """Three titles that differ in everything."""
    await create(house, "Zorn", TITLE_KIND_SERIES, genres=["Drama"], year=1931, minimum_age=16)
    await create(house, "Élan", genres=["Drama", "Crime"], tags=["Paris"], year=1999)
    await house.film(name="Mandalay")


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, ["Mandalay", "Élan", "Zorn"]),
        ({"order": TITLE_ORDER_NAME}, ["Élan", "Mandalay", "Zorn"]),
        ({"order": TITLE_ORDER_YEAR}, ["Élan", "Zorn", "Mandalay"]),
        ({"kind": TITLE_KIND_FILM}, ["Mandalay", "Élan"]),
        ({"genre": "DRAMA"}, ["Élan", "Zorn"]),
        ({"genre": "drama", "tag": "paris"}, ["Élan"]),
        ({"language": "deu"}, ["Mandalay"]),
        ({"year_from": 1931, "year_to": 1998}, ["Zorn"]),
        ({"year_to": 1998}, ["Zorn"]),
        ({"age": 12}, ["Mandalay", "Élan"]),
        ({"state": TITLE_STATE_DRAFT}, ["Élan", "Zorn"]),
        ({"state": TITLE_STATE_PUBLISHED}, ["Mandalay"]),
    ],
)
async def test_titles_that_meet_every_filter_come_in_the_order_asked_for(
    house: House, fields: dict[str, Any], names: list[str]
) -> None:
    await shelf(house)
    assert await listed(house, await house.admin(), **fields) == names


async def test_viewers_who_ask_for_drafts_get_none(house: House) -> None:
    await shelf(house)
    assert await listed(house, await house.person("viewer"), state=TITLE_STATE_DRAFT) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": 9},
        {"state": 9},
        {"order": 9},
        {"language": "german"},
        {"parent_id": "x"},
        {"year_from": 5},
        {"age": -1},
        {"genre": "x" * 65},
        {"tag": "a\0"},
        {"page_size": -1},
    ],
)
async def test_a_filter_that_cannot_be_is_refused(house: House, fields: dict[str, Any]) -> None:
    async with refusal("INVALID_ARGUMENT"):
        await listed(house, await house.admin(), **fields)


def forged(token: str, *place: object) -> str:
    """The token with another place in it."""
    digest = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))[0]
    return base64.urlsafe_b64encode(json.dumps([digest, *place]).encode()).decode().rstrip("=")


async def test_a_token_is_good_for_its_own_query_alone(house: House) -> None:
    await shelf(house)
    admin = await house.admin()
    first = ListTitlesRequest(order=TITLE_ORDER_NAME, page_size=1)
    token = (await house.catalogue.ListTitles(first, metadata=admin)).next_page_token
    assert await listed(house, admin, order=TITLE_ORDER_NAME, page_size=5, page_token=token) == ["Mandalay", "Zorn"]
    for other in ({"order": TITLE_ORDER_YEAR}, {"order": TITLE_ORDER_NAME, "genre": "drama"}, {}):
        async with refusal("INVALID_ARGUMENT", "page_token"):
            await listed(house, admin, page_token=token, **other)
    async with refusal("INVALID_ARGUMENT", "page_token"):
        request = SearchTitlesRequest(query="zorn", page_token=token)
        await house.catalogue.SearchTitles(request, metadata=admin)


PLACES: list[tuple[object, ...]] = [
    (), ("a",), ("a", "b", "c"), (1, "b"), ("a", None), ("a", ["b"]), ("a", {}), (True, "b"), ("\0", "b"),
    ("a", 2**70), ("\ud800", "b"),
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
async def test_a_token_with_a_place_that_cannot_be_is_refused(house: House, place: tuple[object, ...]) -> None:
    await shelf(house)
    admin = await house.admin()
    first = ListTitlesRequest(order=TITLE_ORDER_NAME, page_size=1)
    token = (await house.catalogue.ListTitles(first, metadata=admin)).next_page_token
    async with refusal("INVALID_ARGUMENT", "page_token"):
        await listed(house, admin, order=TITLE_ORDER_NAME, page_token=forged(token, *place))


async def test_a_token_has_room_for_a_name_in_letters_of_any_script(house: House) -> None:
    for _ in range(2):
        await create(house, " ".join(["\U0001e922" * 60] * 3))
    admin, names = await house.admin(), ListTitlesRequest(order=TITLE_ORDER_NAME, page_size=1)
    token = (await house.catalogue.ListTitles(names, metadata=admin)).next_page_token
    assert len(await listed(house, admin, order=TITLE_ORDER_NAME, page_token=token)) == 1


@pytest.mark.parametrize("token", ["x", "é", "W10", "bnVsbA", "W1tbW1tb", "A" * 5_000, "e30"])
async def test_what_is_no_token_is_refused(house: House, token: str) -> None:
    async with refusal("INVALID_ARGUMENT", "page_token"):
        await listed(house, await house.admin(), page_token=token)


async def test_a_search_goes_on_from_page_to_page(house: House) -> None:
    for number in range(5):
        await create(house, f"Rain {number}")
    admin, token = await house.admin(), ""
    pages: list[list[str]] = []
    while token or not pages:
        request = SearchTitlesRequest(query="rain", page_size=2, page_token=token)
        answer = await house.catalogue.SearchTitles(request, metadata=admin)
        pages.append([title.name for title in answer.titles])
        token = answer.next_page_token
    assert pages == [["Rain 4", "Rain 3"], ["Rain 2", "Rain 1"], ["Rain 0"]]


@pytest.mark.parametrize("place", [(9, 1), (0, "x"), (0,), (1.5, 2), (-1, 1)])
async def test_a_search_token_with_a_place_that_cannot_be_is_refused(house: House, place: tuple[object, ...]) -> None:
    for number in range(2):
        await create(house, f"Rain {number}")
    admin, request = await house.admin(), SearchTitlesRequest(query="rain", page_size=1)
    token = (await house.catalogue.SearchTitles(request, metadata=admin)).next_page_token
    async with refusal("INVALID_ARGUMENT", "page_token"):
        again = SearchTitlesRequest(query="rain", page_token=forged(token, *place))
        await house.catalogue.SearchTitles(again, metadata=admin)


@pytest.mark.parametrize("query", ['"', "rain OR", "NEAR(", "*", "'; --", ""])
async def test_what_looks_like_syntax_finds_nothing_and_breaks_nothing(house: House, query: str) -> None:
    await create(house, "Rain")
    assert await found(house, await house.admin(), query) == []


@pytest.mark.parametrize("query", ["a\0b", "x" * 10_000, "a\nb"])
async def test_a_query_beyond_its_bounds_is_refused(house: House, query: str) -> None:
    async with refusal("INVALID_ARGUMENT", "query"):
        await found(house, await house.admin(), query)
