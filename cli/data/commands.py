"""`fortress synth`: synthetic data by a schema, into a file or into databases."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated

import typer

from cli.data.fidelity import compare, fit

app = typer.Typer(invoke_without_command=True, subcommand_metavar="[COMMAND]")
app.command()(fit)
app.command()(compare)


class NoSchema(ValueError):
    """Nobody said what records are to hold."""

    def __init__(self, shipped: Iterable[str]) -> None:
        super().__init__(f"--schema is missing: name a file or one of {', '.join(shipped)}")


@app.callback()
def synth(
    context: typer.Context,
    schema: Annotated[str, typer.Option(help="Name of a schema that ships (see --list), or a YAML file.")] = "",
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
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the schemas that ship.")] = False,
) -> None:
    """Make synthetic records: believable, fast, and the same for the same seed."""
    if context.invoked_subcommand:
        _refuse_options(context)
        return
    from app.synthetic import DataSet, schema_named, shipped
    from cli.data.writing import measured, print_records, rows_of

    if listing:
        print(json.dumps(shipped()) if as_json else "\n".join(shipped()))
        return
    if not schema:
        raise NoSchema(shipped())
    data = DataSet(schema_named(schema), rows_of(rows), seed=seed, workers=workers)
    if not out:
        print_records(data)
        return
    summary = measured(data, out)
    print(json.dumps(asdict(summary)) if as_json else summary)


def _refuse_options(context: typer.Context) -> None:
    """Options before a command would be lost without a word."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(f"options of {context.invoked_subcommand} come after it, and {name} comes before")
