"""Unique viewers of any days are a sum."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from control.analytics.viewers import added, moved, visits
from control.database.plays import ALL, Change, Play
from control.database.statistics import NEVER
from tests.viewing import numbered

days = st.integers(0, 9)
states = st.builds(
    lambda session, day, started: Play(
        numbered("s", session), numbered("t", session % 2), numbered("a", session % 3), day, started
    ),
    st.integers(0, 11), days, st.booleans(),
)  # fmt: skip
"""What one of twelve plays may come to be: they are of two titles and three accounts."""


def test_each_day_comes_with_the_one_before() -> None:
    assert visits([5, 3, 9]) == {(3, NEVER): 1, (5, 3): 1, (9, 5): 1}


@given(st.lists(st.lists(states, max_size=4), max_size=12), days, days)
def test_the_viewers_of_any_days_are_those_of_a_recount(
    batches: Sequence[Sequence[Play]], one: int, other: int
) -> None:
    first, last = sorted((one, other))
    plays: dict[str, Play] = {}
    kept: Counter[tuple[str, int, int]] = Counter()
    for batch in batches:
        before = {session: (plays.get(session), play) for session, play in ((play.session_id, play) for play in batch)}
        kept.update(grown(plays, list(before.values())))
        plays |= {play.session_id: play for _, play in before.values()}
    for title_id in (numbered("t", 0), numbered("t", 1), ALL):
        counted = sum(n for (of, day, before), n in kept.items() if of == title_id and before < first <= day <= last)
        mine = [play for play in plays.values() if title_id in (play.title_id, ALL) and play.started]
        assert counted == len({play.account_id for play in mine if first <= play.day <= last})


def grown(plays: dict[str, Play], changes: Sequence[Change]) -> dict[tuple[str, int, int], int]:
    """What changes add to the viewers when so many plays are known."""
    known = {
        (of, account_id): Counter(play.day for play in plays.values() if is_of(play, of, account_id))
        for of, account_id in moved(changes)
    }
    return added(moved(changes), known)


def is_of(play: Play, title_id: str, account_id: str) -> bool:
    return play.started and play.account_id == account_id and title_id in (play.title_id, ALL)
