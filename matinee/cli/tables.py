"""Tables and words for people."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console, RenderableType
from rich.table import Table

from matinee.cli.api import Answer

PIPE_WIDTH = 240
PROSE_LEAST = 16
GAP = 2
"""Blanks between two columns."""

STATES = {
    "JOB_STATE_QUEUED": "[cyan]queued[/]",
    "JOB_STATE_RUNNING": "[yellow]running[/]",
    "JOB_STATE_PUBLISHED": "[green]published[/]",
    "JOB_STATE_FAILED": "[red]failed[/]",
    "JOB_STATE_CANCELLED": "[dim]cancelled[/]",
    "TITLE_STATE_DRAFT": "[dim]draft[/]",
    "TITLE_STATE_PUBLISHED": "[green]published[/]",
}


def console() -> Console:
    """Standard output for people: as wide as the terminal, and never folded in a pipe."""
    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=PIPE_WIDTH)


@dataclass(frozen=True)
class Column:
    """A column of a table. Prose may be folded between its words; everything else stays whole.

    Where the screen is too narrow, columns leave in the order of `leaves`; those with 0 stay.
    """

    head: str
    prose: bool = False
    leaves: int = 0


def table(
    columns: Sequence[Column], rows: Iterable[Sequence[RenderableType]], screen: Console, *, folded: bool = True
) -> Table:
    """A plain table with a head, of as many columns as the screen is wide; unless `folded`, a row is one line."""
    made = Table(box=None, header_style="bold", pad_edge=False)
    cells = list(rows)
    widths = [_width(column, [row[number] for row in cells], screen) for number, column in enumerate(columns)]
    kept = _fitting(columns, widths, screen.width)
    for number in kept:
        whole = not (columns[number].prose and folded)
        made.add_column(columns[number].head, overflow="ellipsis" if whole else "fold", no_wrap=whole)
        made.columns[-1].min_width = None if columns[number].prose else widths[number]
    for row in cells:
        made.add_row(*(row[number] for number in kept))
    return made


def show(screen: Console, shown: RenderableType) -> None:
    """Print, without the blanks that fill up the lines of a table."""
    with screen.capture() as captured:
        screen.print(shown)
    for line in captured.get().splitlines():
        print(line.rstrip())


def _width(column: Column, cells: Sequence[RenderableType], screen: Console) -> int:
    """The least width that a column is readable in."""
    whole = max(screen.measure(cell).maximum for cell in (column.head, *cells))
    return min(whole, PROSE_LEAST) if column.prose else whole


def _fitting(columns: Sequence[Column], widths: Sequence[int], room: int) -> list[int]:
    kept = list(range(len(columns)))
    for number in sorted(kept, key=lambda number: columns[number].leaves):
        if sum(widths[other] + GAP for other in kept) - GAP <= room:
            break
        if columns[number].leaves:
            kept.remove(number)
    return kept


def duration(seconds: float) -> str:
    """`1:02:03` or `2:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(timestamp: str | None) -> str:
    """An RFC 3339 time in the local zone, to the minute."""
    if not timestamp:
        return ""
    return datetime.fromisoformat(timestamp).astimezone().strftime("%Y-%m-%d %H:%M")


def state_word(state: str) -> str:
    """The plain word of a job's or title's state, as scripts read it."""
    return state.removeprefix("JOB_STATE_").removeprefix("TITLE_STATE_").lower()


def kind_word(kind: str) -> str:
    """The plain word of a title's kind; empty for an answer that has none."""
    return kind.removeprefix("TITLE_KIND_").lower()


def stage_word(job: Answer) -> str:
    """The plain word of the stage that a job is in, while it runs."""
    return str(job["stage"]).removeprefix("JOB_STAGE_").lower() if job["state"] == "JOB_STATE_RUNNING" else ""


def plain(answer: Answer) -> Answer:
    """A job or a title as scripts read it: with plain words in place of the enumerations of the API."""
    words = {"state": state_word(answer["state"])}
    if "kind" in answer:
        words["kind"] = kind_word(answer["kind"])
    return answer | words | ({"stage": stage_word(answer)} if "stage" in answer else {})
