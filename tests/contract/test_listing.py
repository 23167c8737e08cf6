"""Lists of titles: whatever is asked for, the pages hold each title once and in order."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.database import Connection, Database, listing, titles
from control.database.listing import Filter, Key, Order
from control.database.titles import Title, labels
from control.database.words import label, sort_key

pytestmark = pytest.mark.anyio

NOW = 100.0
WORDS = ("Drama", "Film noir", "WAR", "Été")


def catalogue() -> list[Title]:
    """Titles of every kind, state and window, many of them alike in what they are ordered by."""
    return [
        Title(
            f"{number:026d}",
            ("Éclair", "eclair", "Zoo", "zoo 2", "A film", "?")[number % 6],
            1.0,
            kind=("film", "series", "season", "episode")[number // 2 % 4],
            parent_id=("", "", "0" * 26, "1".zfill(26))[number % 4],
            number=number % 5,
            published=number % 7 != 0,
            available_from=(None, NOW, NOW + 1)[number % 3],
            available_until=(None, None, NOW, NOW + 1, None)[number % 5],
            year=(0, 1922, 1922, 1999, 2026)[number % 5],
            minimum_age=(0, 12, 18)[number % 3],
            genres=WORDS[number % 3 : number % 3 + 2],
            tags=WORDS[: number % 2],
            audio_languages=(("eng",), ("deu", "eng"), ())[number % 3],
        )
        for number in range(60)
    ]


FILTERS = st.builds(
    Filter,
    kind=st.sampled_from(["", "film", "episode"]),
    genre=st.sampled_from(["", "drama", "film noir", "ete", "none"]),
    tag=st.sampled_from(["", "drama"]),
    language=st.sampled_from(["", "eng", "deu"]),
    parent_id=st.sampled_from(["", "0" * 26]),
    year_from=st.sampled_from([0, 1922, 1950]),
    year_to=st.sampled_from([0, 1922, 2000]),
    age=st.sampled_from([0, 6, 12]),
    published=st.sampled_from([None, True, False]),
    visible_at=st.sampled_from([None, NOW]),
)


def meets(title: Title, wanted: Filter) -> bool:
    """The same filter, once more in Python."""
    begun = title.available_from is None or title.available_from <= NOW
    over = title.available_until is not None and title.available_until <= NOW
    asked = [("genre", wanted.genre), ("tag", wanted.tag), ("language", wanted.language)]
    return all(
        (
            wanted.kind in {"", title.kind},
            {(kind, text) for kind, text in asked if text} <= labels(title),
            wanted.parent_id in {"", title.parent_id},
            title.year >= wanted.year_from,
            not wanted.year_to or 0 < title.year <= wanted.year_to,
            not wanted.age or title.minimum_age <= wanted.age,
            wanted.published in {None, title.published},
            wanted.visible_at is None or (title.published and begun and not over),
        )
    )


def ordered(found: list[Title], order: Order) -> list[str]:
    keys: dict[Order, Any] = {
        Order.NEWEST: lambda title: title.title_id,
        Order.NAME: lambda title: (sort_key(title.name), title.title_id),
        Order.YEAR: lambda title: (title.year, title.title_id),
        Order.NUMBER: lambda title: (title.number, title.title_id),
    }
    return [title.title_id for title in sorted(found, key=keys[order], reverse=order.descending)]


async def walk(connection: Connection, wanted: Filter, order: Order, size: int) -> list[str]:
    """The ids of every page, in order."""
    found: list[str] = []
    after: Key | None = None
    while True:
        page = await listing.page(connection, wanted, order, after, size)
        assert len(page.titles) <= size
        found += [title.title_id for title in page.titles]
        if page.following is None:
            return found
        after = page.following


async def enter(database: Database, known: list[Title]) -> None:
    async with database.write() as connection:
        for title in known:
            await titles.add(connection, title)


@pytest.mark.parametrize(("few", "horizon"), [(1_000, 4_000), (0, 4_000), (0, 5), (3, 2)])
async def test_pages_hold_each_title_that_meets_the_filter_once_and_in_order(
    database: Database, monkeypatch: pytest.MonkeyPatch, few: int, horizon: int
) -> None:
    monkeypatch.setattr(listing, "FEW", few)
    monkeypatch.setattr(listing, "HORIZON", horizon)
    known = catalogue()
    await enter(database, known)
    loop = asyncio.get_running_loop()

    @given(FILTERS, st.sampled_from(Order), st.integers(1, 70))
    def check(wanted: Filter, order: Order, size: int) -> None:
        async def walked() -> list[str]:
            async with database.read() as connection:
                return await walk(connection, wanted, order, size)

        got = asyncio.run_coroutine_threadsafe(walked(), loop).result()
        assert got == ordered([title for title in known if meets(title, wanted)], order)

    await asyncio.to_thread(check)


@pytest.mark.parametrize("order", Order)
async def test_what_is_added_meanwhile_moves_nothing(database: Database, order: Order) -> None:
    known = catalogue()
    await enter(database, known)
    async with database.read() as connection:
        first = await listing.page(connection, Filter(), order, None, 20)
    added = [replace(title, title_id=title.title_id.replace("0", "5", 1)) for title in known]
    await enter(database, added)
    rest: list[Title] = []
    after = first.following
    async with database.read() as connection:
        while after is not None:
            page = await listing.page(connection, Filter(), order, after, 20)
            rest, after = rest + page.titles, page.following
    seen = [title.title_id for title in [*first.titles, *rest] if title not in added]
    assert seen == ordered(known, order)


async def test_a_label_is_found_whatever_its_case_and_marks(database: Database) -> None:
    await enter(database, [Title("1" * 26, "A film", 1.0, genres=("Été  tardif",))])
    async with database.read() as connection:
        page = await listing.page(connection, Filter(genre=label("ETE TARDIF")), Order.NEWEST, None, 5)
    assert [title.genres for title in page.titles] == [("Été  tardif",)]


async def test_labels_that_a_title_lost_find_it_no_more(database: Database) -> None:
    title = Title("1" * 26, "A film", 1.0, genres=("Drama", "War"))
    await enter(database, [title])
    async with database.write() as connection:
        await titles.save(connection, replace(title, genres=("War",)))
        drama = await listing.page(connection, Filter(genre="drama"), Order.NEWEST, None, 5)
        war = await listing.page(connection, Filter(genre="war"), Order.NEWEST, None, 5)
    assert (len(drama.titles), len(war.titles)) == (0, 1)
