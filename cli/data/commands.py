"""`fortress data`: synthetic data by a schema, into a file or into databases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated

import typer

from cli.data.fidelity import compare, fit
from cli.shared.options import AsJson
from cli.shared.output import show

app = typer.Typer(no_args_is_help=True, help="Make synthetic data, fit it to real data, and compare the two.")
app.command()(fit)
app.command()(compare)


class NoSchema(ValueError):
    """No schema was named."""

    def __init__(self, shipped: Iterable[str]) -> None:
        super().__init__(f"--schema is missing: name a file or one of {', '.join(shipped)}")


@app.command()
def generate(
    schema: Annotated[str, typer.Option(help="Name of a shipped schema (see --list), or a YAML file.")] = "",
    rows: Annotated[str, typer.Option(help="How many records; 1e6 is a million.")] = "10",
    out: Annotated[
        str,
        typer.Option(
            help="A file (.csv, .jsonl, .parquet, .arrow), or a table: postgresql://host/database/table,"
            " postgresql://SERVICE/table for one database of the local environment, postgresql:///table to share the"
            " records out among all of them. Without it records are printed as JSON Lines."
        ),
    ] = "",
    seed: Annotated[int, typer.Option(help="The same seed makes the same records.")] = 0,
    workers: Annotated[int | None, typer.Option(help="Threads; default one for each core, up to 8.")] = None,
    as_json: AsJson = False,
    listing: Annotated[bool, typer.Option("--list", help="List the shipped schemas.")] = False,
) -> None:
    """Make synthetic records, the same for the same seed."""
    from app.synthetic import DataSet, schema_named, shipped
    from cli.data.writing import parse_rows, print_records, write_records

    if listing:
        show(shipped(), "\n".join(shipped()), as_json=as_json)
        return
    if not schema:
        raise NoSchema(shipped())
    data = DataSet(schema_named(schema), parse_rows(rows), seed=seed, workers=workers)
    if not out:
        print_records(data)
        return
    summary = write_records(data, out)
    show(asdict(summary), str(summary), as_json=as_json)
