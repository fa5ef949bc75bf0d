"""`fortress data fit` and `compare`: a schema fitted to real data, and how close synthetic data comes to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.shared.options import AsJson

if TYPE_CHECKING:
    from app.synthetic.fidelity import Comparison, Fitted, Sample

Rows = Annotated[str, typer.Option(help="Most records of a file to look at, drawn from all of them; 1e5 is 100,000.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the draws, where a file has more records.")]
SAMPLE = "in CSV, JSON Lines, Parquet or Arrow's format, by its suffix."


class WrongOut(ValueError):
    """`--out` does not fit what is to be written."""


def fit(
    real: Annotated[Path, typer.Argument(help=f"Real records {SAMPLE}")],
    out: Annotated[
        Path | None, typer.Option(help="YAML file to write the schema to; without it the schema is printed.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the schema; default that of the file.")] = "",
    rare: Annotated[int, typer.Option(help="Leave out of the schema every value that fewer records have.")] = 10,
    criterion: Annotated[str, typer.Option(help="Criterion that chooses among distributions: bic or aic.")] = "bic",
    learn: Annotated[
        list[str] | None,
        typer.Option(
            help="Column whose texts a Markov chain learns, into a file beside the schema; may be repeated. CAREFUL:"
            " real words, also rare ones and names, get into that file."
        ),
    ] = None,
    rows: Rows = "1e5",
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Fit a schema to real records, from which `fortress data generate` makes similar ones."""
    from app.synthetic.fidelity import Options
    from app.synthetic.fidelity import fit as fitted_to
    from cli.shared.progress import progress

    if learn and out is None:
        raise WrongOut("--learn writes a file beside the schema: say where with --out")
    prefix = str(out.with_suffix("")) + "." if out is not None else ""
    options = Options(rare=rare, criterion=criterion, learn=tuple(learn or ()), corpus_prefix=prefix, seed=seed)
    sample = _sample(real, rows, seed)
    with progress(f"{real.name}: columns") as report:
        fitted = fitted_to(sample, name or real.stem, options, report)
    if out is not None:
        _write(out, fitted)
    if as_json:
        print(json.dumps({"out": str(out) if out else None, **fitted.as_json()}))
    elif out is None:
        print(fitted.yaml(), end="")
    else:
        _show_fit(fitted, out)


def compare(
    real: Annotated[Path, typer.Argument(help=f"Real records {SAMPLE}")],
    synthetic: Annotated[Path, typer.Argument(help="Synthetic records with the same columns.")],
    out: Annotated[
        Path | None, typer.Option(help="HTML page to write, with the same as JSON beside it; none by default.")
    ] = None,
    rows: Rows = "1e5",
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Compare synthetic records with real ones: columns, pairs of columns, and whether any were copied."""
    from app.synthetic.fidelity import compare as compared
    from cli.shared.progress import progress

    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise WrongOut(f"--out is {out}: the name of the page must end with .html")
    samples = [_sample(file, rows, seed) for file in (real, synthetic)]
    with progress(f"{synthetic.name}: columns") as report:
        comparison = compared(*samples, seed=seed, progress=report)
    document = json.dumps(comparison.report.as_json(), allow_nan=False, ensure_ascii=False, indent=1) + "\n"
    if out is not None:
        _write_page(out, comparison, document)
    print(document if as_json else comparison.report.summary(), end="" if as_json else "\n")


def _sample(file: Path, rows: str, seed: int) -> Sample:
    from app.synthetic.fidelity import read_sample
    from cli.data.writing import parse_rows

    return read_sample(file, most=parse_rows(rows), seed=seed)


def _write(out: Path, fitted: Fitted) -> None:
    """Write the schema last: when it is there, so are the files that it names."""
    from app.synthetic import schema_named
    from app.synthetic.sinks.files import whole_file

    for name, text in (*fitted.corpora.items(), (str(out), fitted.yaml())):
        with whole_file(Path(name)) as file:
            file.write(text.encode())
    schema_named(str(out))


def _write_page(out: Path, comparison: Comparison, document: str) -> None:
    from app.synthetic.fidelity.page import page_of
    from app.synthetic.sinks.files import whole_file

    for path, text in ((out.with_suffix(".json"), document), (out, page_of(comparison))):
        with whole_file(path) as file:
            file.write(text.encode())


def _show_fit(fitted: Fitted, out: Path) -> None:
    lines = [f"{column.name}: {column.kind}, {column.reason}" for column in fitted.columns]
    lines += [f"{name}: left out, {reason}" for name, reason in fitted.left_out.items()]
    lines += [f"{name}: holds words of the real texts" for name in fitted.corpora]
    print("\n".join([*lines, f"{len(fitted.columns)} fields, fitted to {fitted.rows:,} records, in {out}"]))
