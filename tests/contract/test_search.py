"""What search finds, whichever database does the finding."""

import asyncio
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.database import Database, search, titles
from control.database.search import Position
from control.database.titles import Title, visible

pytestmark = pytest.mark.anyio

NOW = 100.0


async def enter(database: Database, *names: str, **fields: object) -> None:
    """Published titles of these names, the last one the newest."""
    async with database.write() as connection:
        for name in names:
            title_id = name.encode().hex()[:26].rjust(26, "0")
            title = Title(title_id, name, 1.0, **{"published": True, **fields})  # type: ignore[arg-type]
            await titles.add(connection, title)


async def find(database: Database, query: str, size: int = 100) -> list[str]:
    """The names of everything that a query finds, page after page."""
    names: list[str] = []
    position: Position | None = Position()
    async with database.read() as connection:
        while position is not None:
            hits = await search.page(connection, query, position, size, visible(NOW))
            known = await titles.among(connection, hits.title_ids)
            names += [known[title_id].name for title_id in hits.title_ids]
            position = hits.following
    return names


async def test_every_word_must_occur_in_any_order(database: Database) -> None:
    await enter(database, "The Night of the Hunter", "Night and Fog", "The Hunter")
    assert await find(database, "hunter night") == ["The Night of the Hunter"]


async def test_the_last_word_may_be_a_beginning_and_the_others_may_not(database: Database) -> None:
    await enter(database, "Night and Fog")
    assert await find(database, "night fo") == ["Night and Fog"]
    assert await find(database, "nig fog") == []


@pytest.mark.parametrize("query", ["amelie", "AMÉLIE", "Ame\u0301lie", "fabuleux ame"])
async def test_case_and_diacritics_are_folded(database: Database, query: str) -> None:
    await enter(database, "Le Fabuleux Destin d'Amélie Poulain")
    assert await find(database, query) == ["Le Fabuleux Destin d'Amélie Poulain"]


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Die große Straße", "GROSSE strasse"),
        ("Солярис", "СОЛЯ"),
        ("君の名は。", "名は"),
        ("ガメラ", "カメラ"),
        ("Ταξίδι", "ταξιδι"),
        ("İstanbul", "istanbul"),
        ("ﬁlm", "film"),
        ("Heimat 2", "\uff12"),
    ],
)
async def test_every_script_is_found(database: Database, name: str, query: str) -> None:
    await enter(database, name, "Another")
    assert await find(database, query) == [name]


@pytest.mark.parametrize(
    "fields",
    [
        {"synopsis": "Of rain."},
        {"genres": ("Rain",)},
        {"tags": ("rain",)},
        {"cast": (("Claude Rain", "x"),)},
        {"cast": (("X", "the rain"),)},
    ],
)
async def test_all_that_is_told_of_a_title_is_searched(database: Database, fields: dict[str, object]) -> None:
    await enter(database, "A film", **fields)
    assert await find(database, "rain") == ["A film"]


async def test_the_whole_name_comes_first_then_names_then_the_rest_and_the_newest_before_others(
    database: Database,
) -> None:
    await enter(database, "Dune")
    await enter(database, "Old sand", "Sand", synopsis="On a dune.")
    await enter(database, "Dune: Part Two", "A dune at night")
    assert await find(database, "dune") == ["Dune", "A dune at night", "Dune: Part Two", "Sand", "Old sand"]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_pages_hold_each_hit_once_and_in_order(database: Database, size: int) -> None:
    await enter(database, *(f"Rain {number}" for number in range(9)), "Rain")
    await enter(database, *(f"Sun {number}" for number in range(9)), synopsis="and rain")
    assert await find(database, "rain", size) == await find(database, "rain")
    assert len(await find(database, "rain", size)) == 19


WORDS = ("rain", "rai", "sun", "night", "ete", "名")
QUERIES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)


def fits(title: Title, query: str) -> int | None:
    """How well a title fits, once more in Python: 0 is best, None not at all."""
    *before, last = dict.fromkeys(query.split())

    def has_every(words: list[str]) -> bool:
        return set(before) <= set(words) and any(word.startswith(last) for word in words)

    if not has_every(f"{title.name} {title.synopsis}".split()):
        return None
    return 0 if title.name == query else 1 if has_every(title.name.split()) else 2


@pytest.mark.parametrize("sparse", [0, 2, 200])
async def test_the_order_is_the_same_whether_hits_are_many_or_few(
    database: Database, monkeypatch: pytest.MonkeyPatch, sparse: int
) -> None:
    monkeypatch.setattr(search, "SPARSE", sparse)
    texts = [" ".join(chosen) for count in (1, 2) for chosen in permutations(WORDS, count)]
    known = [
        Title(f"{number:026d}", name, 1.0, texts[number * 7 % len(texts)], published=True)
        for number, name in enumerate(texts)
    ]
    async with database.write() as connection:
        for title in known:
            await titles.add(connection, title)
    loop = asyncio.get_running_loop()

    @given(QUERIES, st.integers(1, 40))
    def check(query: str, size: int) -> None:
        got = asyncio.run_coroutine_threadsafe(find(database, query, size), loop).result()
        hits = [(rank, -number) for number, title in enumerate(known) if (rank := fits(title, query)) is not None]
        assert got == [known[-number].name for _, number in sorted(hits)]

    await asyncio.to_thread(check)


async def test_what_may_not_be_seen_is_not_found(database: Database) -> None:
    await enter(database, "Seen rain")
    await enter(database, "Draft of rain", published=False)
    await enter(database, "Rain tomorrow", available_from=NOW + 1)
    await enter(database, "Rain yesterday", available_until=NOW)
    assert await find(database, "rain") == ["Seen rain"]


async def test_hits_that_may_not_be_seen_make_no_page_longer_than_its_work(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_HITS", 2 * search.CHUNK)
    await enter(database, "Oldest rain")
    await enter(
        database, *(f"Draft {number} of rain" for number in range(search.MOST_HITS + search.CHUNK)), published=False
    )
    async with database.read() as connection:
        hits = await search.page(connection, "rain", Position(), 10, visible(NOW))
    assert (hits.title_ids, hits.following is None) == ([], False)
    assert await find(database, "rain") == ["Oldest rain"]


async def test_a_title_is_found_by_what_it_is_now(database: Database) -> None:
    await enter(database, "Rain")
    title_id = b"Rain".hex().rjust(26, "0")
    async with database.write() as connection:
        title = await titles.find(connection, title_id)
        assert title is not None
        await titles.save(connection, Title(title_id, "Sun", 1.0, published=True))
    assert (await find(database, "rain"), await find(database, "sun")) == ([], ["Sun"])
    async with database.write() as connection:
        await titles.remove(connection, title_id)
    assert await find(database, "sun") == []


HOSTILE = [
    "", " ", '"', '"" "', "'; DROP TABLE titles; --", "rain OR sun", "rain AND", "NOT rain", "NEAR(rain sun)",
    "name:rain", "name : rain", "{name}: rain", "^rain", "rain*", "*", "(", ")", "(((((", "- + -", "a-b", "rain\0sun",
    "\ud800", "\u202e", "%", "_", "\\", "x" * 10_000, "rain " * 2_000, "\u0301" * 500, "🎬", "rain🎬sun", "''''",
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE)
async def test_no_query_is_syntax(database: Database, query: str) -> None:
    await enter(database, "Rain or sun", "Name of rain")
    assert set(await find(database, query)) <= {"Rain or sun", "Name of rain"}


async def test_operators_are_words(database: Database) -> None:
    await enter(database, "Rain or sun", "Rain", "Sun")
    assert await find(database, "rain OR sun") == ["Rain or sun"]
