"""Tables and words for people."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Console, RenderableType
from rich.table import Table

PIPE_WIDTH = 240

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


def table(columns: Sequence[str], rows: Iterable[Sequence[RenderableType]]) -> Table:
    """A plain table with a head; its first column holds ids, which stay whole."""
    made = Table(box=None, header_style="bold", pad_edge=False)
    for number, column in enumerate(columns):
        made.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        made.add_row(*row)
    return made


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
