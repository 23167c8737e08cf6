"""Tables of the benchmarks, as docs/benchmarks.md shows them."""

from collections.abc import Sequence


def show(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table under its title; the first column is text, the others are figures."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    print(f"\n### {title}\n")
    print("\n".join(f"| {' | '.join(line)} |" for line in lines), flush=True)
