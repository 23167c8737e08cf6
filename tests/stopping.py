"""A check as long work calls it now and then, which asks the work to stop."""

from collections.abc import Callable

from matinee.errors import Cancelled


def stopping(after: int) -> Callable[[], None]:
    """A check that lets so many calls pass; each later one raises `Cancelled`."""
    calls = iter(range(after))

    def check() -> None:
        if next(calls, None) is None:
            raise Cancelled("the work was cancelled")

    return check
