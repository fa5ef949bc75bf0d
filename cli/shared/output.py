"""Tables in a terminal, and columns of plain text for pipes and logs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

Rows = Sequence[Sequence[str]]


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """One line for the head and each row; every column as wide as its widest text."""
    lines = [head, *rows]
    widths = [max(len(row[place]) for row in lines) for place in range(len(head))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in lines]


def table(head: Sequence[str], rows: Rows) -> None:
    """A table in a terminal, columns of plain text elsewhere."""
    if not sys.stdout.isatty():
        print("\n".join(columns(head, rows)), end="\n\n")
        return
    table = Table(*head, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.print(table)
    console.print()
