"""`fortress data fit` and `compare`, as they are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.synthetic.errors import CannotWrite, SyntheticError, UnknownFormat
from app.synthetic.fidelity import ColumnsDiffer, EmptySample, UnreadableSample
from cli.data.fidelity import WrongOut
from cli.data.writing import WrongRows
from cli.main import app

SCHEMA = """
name: shop
fields:
  order: {kind: template, text: "ORD-{n:06}"}
  amount: {kind: number.lognormal, median: 30, sigma: 0.8, decimals: 2}
  items: {kind: number.poisson, mean: 3}
  paid: {kind: choice, values: {card: 60, cash: 40}, nulls: 0.1}
  note: {kind: text.words, words: 6}
hidden: {n: {kind: number.integer, low: 0, high: 999999, unique: true}}
correlations: {amount: {items: 0.5}}
"""


def fortress(*words: str | Path) -> str:
    result = CliRunner().invoke(app, ["data", *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def real(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(SCHEMA)
    fortress(
        "generate", "--schema", tmp_path / "shop.yaml", "--rows", "3000", "--out", tmp_path / "real.csv", "--seed", "1"
    )
    return tmp_path / "real.csv"


@pytest.mark.slow
def test_from_real_records_to_a_page_about_synthetic_ones(real: Path, tmp_path: Path) -> None:
    schema, made, page = (tmp_path / name for name in ("like.yaml", "like.parquet", "report.html"))
    told = fortress("fit", real, "--out", schema)
    assert told.splitlines()[-1] == f"5 fields, fitted to 3,000 records, in {schema}"
    fortress("generate", "--schema", schema, "--rows", "3000", "--out", made, "--seed", "2")
    lines = fortress("compare", real, made, "--out", page).splitlines()
    assert lines[-1] == (
        "privacy: good; no sign of copying: synthetic records are no nearer to real ones than these are to each other"
    )
    assert all(": good; " in line for line in lines if not line.startswith("note"))
    before = page.read_bytes(), (tmp_path / "report.json").read_bytes()
    printed = fortress("compare", real, made, "--out", page, "--json")
    assert (page.read_bytes(), (tmp_path / "report.json").read_bytes()) == before
    assert printed.encode() == before[1]
    assert json.loads(printed)["levels"]["privacy"] == "good"
    assert {each["name"] for each in json.loads(printed)["columns"]} == {"order", "amount", "items", "paid", "note"}


def test_without_a_file_the_schema_is_printed(real: Path) -> None:
    assert "kind: number.lognormal" in fortress("fit", real, "--name", "mine")
    assert "\nname: mine\n" in fortress("fit", real, "--name", "mine")
    told = json.loads(fortress("fit", real, "--json"))
    amount = next(each for each in told["columns"] if each["name"] == "amount")
    assert amount["kind"] == "number.lognormal"
    assert amount["distance"] < 0.03
    assert amount["candidates"][0]["bic"] <= amount["candidates"][1]["bic"]


def test_learnt_texts_lie_beside_the_schema_and_it_is_said_that_they_are_real(real: Path, tmp_path: Path) -> None:
    told = fortress("fit", real, "--out", tmp_path / "like.yaml", "--learn", "note")
    assert f"{tmp_path}/like.note.txt: holds words of the real texts" in told
    assert len((tmp_path / "like.note.txt").read_text().split("\n\n")) == 2000
    assert '"note":' in fortress("generate", "--schema", tmp_path / "like.yaml", "--rows", "2")


def test_large_files_are_drawn_from_and_the_seed_decides(real: Path) -> None:
    told = [json.loads(fortress("compare", real, real, "--rows", "5e2", "--seed", seed, "--json")) for seed in "112"]
    assert told[0]["real"] == {"name": "real.csv", "rows": 3000, "looked_at": 500}
    assert told[0] == told[1]
    assert told[0]["privacy"] != told[2]["privacy"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["compare", "{real}", "{other}"], ColumnsDiffer),
        (["compare", "{real}", "{empty}"], EmptySample),
        (["compare", "{real}", "{broken}"], UnreadableSample),
        (["compare", "{real}", "none.csv"], UnreadableSample),
        (["compare", "{real}", "x.txt"], UnknownFormat),
        (["compare", "{real}", "{real}", "--rows", "few"], WrongRows),
        (["compare", "{real}", "{real}", "--out", "x.pdf"], WrongOut),
        (["compare", "{real}", "{real}", "--out", "/nowhere/x.html"], CannotWrite),
        (["fit", "{real}", "--learn", "note"], WrongOut),
        (["fit", "{real}", "--criterion", "best"], SyntheticError),
        (["fit", "{real}", "--out", "/nowhere/x.yaml"], CannotWrite),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value.__name__,
)
def test_a_refusal_is_one_line(real: Path, tmp_path: Path, words: list[str], error: type[Exception]) -> None:
    files = {"real": real, "other": tmp_path / "o.csv", "empty": tmp_path / "e.csv", "broken": tmp_path / "b.csv"}
    files["other"].write_text("a,b\n1,2\n")
    files["empty"].write_text("order,amount\n")
    files["broken"].write_text("order,amount\n1,2\n3\n")
    with pytest.raises(error) as told:
        fortress(*(word.format(**files) for word in words))
    assert len(str(told.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("group", "problem"),
    [("data", "No such option: --seed"), ("synth", "Got unexpected extra argument(s) (fit real.csv)")],
)
def test_options_before_a_command_are_refused(group: str, problem: str) -> None:
    result = CliRunner().invoke(app, [group, "--seed", "7", "fit", "real.csv"])
    assert result.exit_code == 2
    assert problem in " ".join(result.output.replace("│", " ").split())


def test_making_data_loads_nothing_of_fitting_and_comparing() -> None:
    code = (
        "import sys; from cli.main import app;"
        "import app.synthetic, app.synthetic.sinks;"
        "print(sorted({'scipy', 'sklearn', 'matplotlib', 'jinja2', 'app.synthetic.fidelity'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
