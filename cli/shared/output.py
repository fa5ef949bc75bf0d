"""Output of commands: JSON for programs; lines and tables for people, as plain text in pipes and logs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

Rows = Sequence[Sequence[str]]


def show(document: Any, text: str, *, as_json: bool) -> None:
    """Print a document as one line of JSON, or the equivalent text for people."""
    print(json.dumps(document, default=str) if as_json else text, flush=True)


def show_table(head: Sequence[str], rows: Rows) -> None:
    """Print a table in a terminal, or columns of plain text elsewhere; then an empty line."""
    if not sys.stdout.isatty():
        print("\n".join(align_columns(head, rows)), end="\n\n")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*head, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.print(table)
    console.print()


def align_columns(head: Sequence[str], rows: Rows) -> list[str]:
    """Return a line for the head and for each row; every column is as wide as its widest text."""
    lines = [head, *rows]
    widths = [max(len(row[place]) for row in lines) for place in range(len(head))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in lines]
