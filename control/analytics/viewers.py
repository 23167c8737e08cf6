"""Unique viewers over any days, exactly, and without counting them again.

Each day on which an account played is kept with the last such day before it. Who played on several days of a period
counts for the first of them, the one whose last day lies before the period: so the viewers of a period are a sum over
its days, whatever it is.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from control.database.plays import ALL, Change, Days, Viewing
from control.database.statistics import NEVER

Visit = tuple[int, int]
"""A day on which something was played, and the last such day before it."""


def visits(days: Iterable[int]) -> Counter[Visit]:
    """The days of an account, each with the one before it."""
    ordered = sorted(days)
    return Counter(zip(ordered, (NEVER, *ordered)))  # noqa: B905 - the last day is before none


def moved(changes: Iterable[Change]) -> dict[Viewing, Days]:
    """How many plays more, or fewer, changed plays mean by title and account, and for the account in all."""
    found: dict[Viewing, Counter[int]] = defaultdict(Counter)
    for before, after in changes:
        for title_id in (after.title_id, ALL):
            days = found[title_id, after.account_id]
            if before:
                days[before.day] -= before.started
            days[after.day] += after.started
    some = {viewing: {day: count for day, count in days.items() if count} for viewing, days in found.items()}
    return {viewing: days for viewing, days in some.items() if days}


def added(moved: Mapping[Viewing, Days], before: Mapping[Viewing, Days]) -> dict[tuple[str, int, int], int]:
    """What plays more or fewer add to the viewers of titles, by the day and the last one before it."""
    found: Counter[tuple[str, int, int]] = Counter()
    for viewing, change in moved.items():
        days = before.get(viewing, {})
        after = Counter(days)
        after.update(change)
        for sign, these in ((-1, days), (1, +after)):
            for (day, last_day), count in visits(these).items():
                found[viewing[0], day, last_day] += sign * count
    return {key: count for key, count in found.items() if count}
