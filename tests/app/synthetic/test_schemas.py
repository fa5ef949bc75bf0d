"""Schemas: from a file, from a dataclass, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from app.synthetic import (
    Chunk,
    Column,
    DataSet,
    Field,
    Joint,
    Nulls,
    Schema,
    SyntheticError,
    parse_schema,
    registry,
    schema_named,
    schema_of,
    shipped,
)
from app.synthetic.columns import Needed
from app.synthetic.errors import (
    ImpossibleParameters,
    InvalidSchema,
    NoSchemaFile,
    SchemaCycle,
    UnknownField,
    UnknownKind,
    UnknownParameter,
    UnknownSchema,
)
from app.synthetic.kinds.template import Template
from app.synthetic.kinds.values import Choice, Lookup, Uuid


@dataclass(frozen=True, kw_only=True)
class Die(Joint):
    """Stands for a draw that several columns share."""

    sides: int = 6
    type = pa.int64()

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return pa.array(chunk.rng().integers(self.sides, size=chunk.rows))


@dataclass(frozen=True, kw_only=True)
class Face(Column):
    die: str = "die"
    times: int = 1
    type = pa.int64()

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.die,)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return pa.array(needed[self.die].to_numpy() * self.times)


@pytest.fixture
def dice(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {**registry.kinds(), "die": Die, "die.face": Face}
    monkeypatch.setattr("app.synthetic.registry.kinds", lambda: known)
    monkeypatch.setattr("app.synthetic.schema.kinds", lambda: known)


@pytest.mark.usefixtures("dice")
def test_columns_of_one_joint_draw_agree() -> None:
    made = DataSet(parse_schema("name: x\nfields: {a: die.face, b: {kind: die.face, times: 10}}"), 500, seed=1).table()
    assert made.column_names == ["a", "b"]
    assert (made["b"].to_numpy() == made["a"].to_numpy() * 10).all()
    assert set(made["a"].to_pylist()) == set(range(6))


@pytest.mark.usefixtures("dice")
def test_two_joint_draws_of_a_kind_live_side_by_side() -> None:
    made = DataSet(
        parse_schema(
            "name: x\n"
            "hidden: {coin: {kind: die, sides: 2}}\n"
            "fields: {a: die.face, b: {kind: die.face, die: coin}, c: {kind: die.face, die: coin}}"
        ),
        500,
        seed=1,
    ).table()
    assert set(made["b"].to_pylist()) == {0, 1}
    assert made["b"].equals(made["c"])
    assert abs(np.corrcoef(made["a"], made["b"])[0, 1]) < 0.2


@pytest.mark.usefixtures("dice")
def test_a_joint_draw_is_no_field_of_a_record() -> None:
    with pytest.raises(
        InvalidSchema, match="schema x, field d: is drawn for other fields only: list it under `hidden`"
    ):
        parse_schema("name: x\nfields: {d: die}")


def test_fields_are_made_after_those_they_need_and_shown_in_their_own_order() -> None:
    schema = parse_schema(
        """
        name: x
        fields:
          label: {kind: template, text: "{country}/{currency}"}
          currency: {kind: lookup, field: country, table: {US: USD, DE: EUR}}
        hidden:
          country: {kind: choice, values: [US, DE]}
        """
    )
    assert [field.name for field in schema.order] == ["country", "currency", "label"]
    made = DataSet(schema, 100, seed=1).table()
    assert made.column_names == ["label", "currency"]
    assert set(made["label"].to_pylist()) == {"US/USD", "DE/EUR"}


def test_nulls_are_as_frequent_as_asked_and_change_no_other_value() -> None:
    text = "name: x\nfields: {a: {kind: uuid, nulls: %s}, b: {kind: choice, values: [1, 2], nulls: %s}}"
    plain, holed = (DataSet(parse_schema(text % (share, share)), 50_000, seed=1).table() for share in (0, 0.2))
    for name in ("a", "b"):
        assert plain[name].null_count == 0
        assert holed[name].null_count / 50_000 == pytest.approx(0.2, abs=0.01)
        kept = holed[name].is_valid()
        assert holed[name].filter(kept).equals(plain[name].filter(kept))
    both = pc.sum(pc.and_(holed["a"].is_null(), holed["b"].is_null())).as_py()
    assert both / 50_000 == pytest.approx(0.04, abs=0.005)


def test_whether_a_value_is_missing_says_nothing_about_the_value() -> None:
    data = DataSet(parse_schema("name: x\nfields: {a: {kind: boolean, nulls: 0.5}}"), 20_000, seed=1)
    assert pc.mean(data.table()["a"].cast(pa.int8())).as_py() == pytest.approx(0.5, abs=0.02)


def test_pooled_values_may_be_missing_too() -> None:
    made = DataSet(parse_schema("name: x\nfields: {a: {kind: choice, values: [x, y], nulls: 0.5}}"), 1000, seed=1)
    assert set(made.table()["a"].to_pylist()) == {"x", "y", None}
    assert {row["a"] for row in made.dicts()} == {"x", "y", None}


def test_a_dataclass_and_a_file_that_say_the_same_make_the_same() -> None:
    @dataclass
    class Customer:
        id: Annotated[str, Uuid()]
        plan: Annotated[str | None, Choice(values={"basic": 3, "plus": 1}), Nulls(0.1)]
        spend: Annotated[float, {"kind": "number.lognormal", "median": 40, "sigma": 0.5}]
        age: Annotated[float, "number.normal"]
        label: Annotated[str, Template(text="{plan}-{colour}")]

    of_class = schema_of(
        Customer, hidden={"colour": Choice(values=["red", "blue"])}, correlations={"spend": {"age": 0.3}}
    )
    of_file = parse_schema(
        """
        name: customer
        hidden: {colour: {kind: choice, values: [red, blue]}}
        fields:
          id: uuid
          plan: {kind: choice, values: {basic: 3, plus: 1}, nulls: 0.1}
          spend: {kind: number.lognormal, median: 40, sigma: 0.5}
          age: number.normal
          label: {kind: template, text: "{plan}-{colour}"}
        correlations: {spend: {age: 0.3}}
        """
    )
    assert of_class.name == "customer"
    assert DataSet(of_class, 2000, seed=4).table().equals(DataSet(of_file, 2000, seed=4).table())


def test_a_dataclass_without_a_column_in_an_annotation_is_refused() -> None:
    @dataclass
    class Customer:
        id: int

    with pytest.raises(InvalidSchema, match="schema customer, field id: its annotation must name one column"):
        schema_of(Customer)
    with pytest.raises(InvalidSchema, match="schema int: int is no dataclass"):
        schema_of(int)


WRONG: list[tuple[str, type[SyntheticError], str]] = [
    ("a: {kind: uuidd}", UnknownKind, "schema x, field a: kind 'uuidd' is not known; did you mean 'uuid'"),
    (
        "a: {kind: choice, vales: [1]}",
        UnknownParameter,
        "field a: parameter of choice 'vales' is not known; did you mean",
    ),
    ("a: {kind: uuid, colour: red}", UnknownParameter, "field a: parameter of uuid 'colour' is not known"),
    ("a: {kind: choice}", ImpossibleParameters, "field a: choice needs the parameter values"),
    ("a: {kind: choice, values: []}", ImpossibleParameters, "field a: values is empty"),
    ("a: {kind: choice, values: [1, x]}", ImpossibleParameters, "field a: values must all be of one type"),
    ("a: {kind: choice, values: {x: -1}}", ImpossibleParameters, "field a: a weight is negative"),
    ("a: {kind: choice, values: {x: much}}", ImpossibleParameters, "field a: values.x is 'much': input should be a"),
    ("a: {kind: constant, value: [1, 2]}", ImpossibleParameters, r"field a: value is \[1, 2\]: input should be a"),
    ("a: {kind: number.normal, mean: many}", ImpossibleParameters, "field a: mean is 'many'"),
    ("a: {kind: number.uniform, low: 3, high: 1}", ImpossibleParameters, "field a: low is 3.0, and high only 1.0"),
    ("a: {kind: date, start: 2025-01-02, end: 2025-01-01}", ImpossibleParameters, "field a: start is 2025-01-02"),
    ("a: {kind: boolean, share: 1.1}", ImpossibleParameters, "field a: share is 1.1"),
    ("a: {kind: uuid, nulls: 1.5}", ImpossibleParameters, "field a: nulls is 1.5"),
    ("a: {kind: uuid, nulls: some}", InvalidSchema, "field a: nulls is 'some'"),
    ("a: 5", InvalidSchema, "field a: is no column"),
    ("a: {values: [1]}", InvalidSchema, "field a: is no column"),
    (
        "a: {kind: number.mixture, parts: [{weight: 1, of: uuid}]}",
        ImpossibleParameters,
        "field a: a part of a mixture must be a distribution of numbers",
    ),
    (
        "a: {kind: number.mixture, parts: [{weight: 1, of: {kind: number.normal, men: 1}}]}",
        UnknownParameter,
        "field a: parameter of number.normal 'men' is not known; did you mean 'mean'",
    ),
    (
        "alpha: uuid, b: {kind: template, text: '{alhpa}'}",
        UnknownField,
        "schema x, field b: field 'alhpa' is not known; did you mean 'alpha'",
    ),
    ("a: {kind: template, text: '{place}'}", UnknownField, "schema x, field a: field 'place' is not known"),
    ("place: uuid, b: place.city", InvalidSchema, "schema x, field place: has the name of a joint draw"),
    ("a: {kind: sequence, start: 5000000000000000000}", ImpossibleParameters, "start must be within 62 bits"),
    (
        "a: {kind: date, start: 2020-01-01, end: 2021-01-01}, b: {kind: timestamp.after, field: a, mean_days: 1e5}",
        ImpossibleParameters,
        "mean_days is",
    ),
    ("a: {kind: template, text: 'fixed'}", ImpossibleParameters, "text names no field in braces"),
    ("a: {kind: template, text: '{b'}", ImpossibleParameters, "text is no template"),
    ("b: uuid, a: {kind: template, text: '{b!r}'}", ImpossibleParameters, "conversions are not known"),
    ("b: uuid, a: {kind: template, text: '{b:>9}'}", ImpossibleParameters, "'>9' is neither"),
    ("b: uuid, a: {kind: template, text: '{b.x}'}", ImpossibleParameters, "a field's name belongs in braces"),
    ("a: {kind: template, text: '{a}'}", SchemaCycle, "schema x: fields need one another in a circle: a -> a"),
    (
        "a: {kind: template, text: '{b}'}, b: {kind: template, text: '{c}'}, c: {kind: template, text: '{a}'}, d: uuid",
        SchemaCycle,
        "schema x: fields need one another in a circle: (a -> b -> c -> a|b -> c -> a -> b|c -> a -> b -> c)",
    ),
]


@pytest.mark.parametrize(("fields", "error", "reason"), WRONG, ids=[fields for fields, _, _ in WRONG])
def test_a_wrong_field_is_named_with_what_is_wrong(fields: str, error: type[SyntheticError], reason: str) -> None:
    with pytest.raises(error, match=reason):
        parse_schema(f"name: x\nfields: {{{fields}}}")


def test_a_listed_joint_draw_is_no_text_either() -> None:
    with pytest.raises(UnknownField, match="field a: field 'place' is not known; known are a"):
        parse_schema("name: x\nhidden: {place: place}\nfields: {a: {kind: template, text: '{place}'}}")


def test_a_table_that_cannot_hold_a_field_is_told_with_both() -> None:
    schema = parse_schema("name: x\nfields: {a: {kind: lookup, field: n, table: {US: 1}}, n: sequence}")
    with pytest.raises(ImpossibleParameters, match="field a: table's keys are not of the type of field n, int64"):
        DataSet(schema, 1, seed=1).table()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- 1", "^mine: holds no mapping; write lines such as `name: x` and `fields: {id: uuid}`$"),
        ("", "^mine: holds no mapping"),
        (
            "name: x\nfields:\n a: {kind: number.mixture, parts: &p [{weight: 1, of: {kind: uuid, parts: *p}}]}",
            "^mine: line 3: 'p' stands within itself, so it would never end$",
        ),
        ("[" * 5000 + "]" * 5000, "^mine: is nested too deeply to be read$"),
        ("name: &n [[*n]]\nfields: {a: uuid}", "^mine: line 1: 'n' stands within itself"),
        ("a: [", "^mine: is no YAML"),
        ("name: x", "^mine: fields: field required"),
        ("name: x\nfields: {a: uuid}\nfeilds: {}", "^mine: feilds: extra inputs are not permitted"),
        ("name: x\nfields: {}", "^schema x: it has no field to show"),
        ("name: x\nfields: {a: uuid}\nhidden: {a: uuid}", "^schema x: a field's name is used twice"),
        ("name: x\nfields:\n  a: uuid\n  b: uuid\n  a: sequence", "^mine: line 5: 'a' is given twice"),
        ("name: x\nfields:\n  a: {kind: sequence, start: 1, start: 2}", "^mine: line 3: 'start' is given twice"),
        ("name: x\nfields: {a: uuid}\nfields: {b: uuid}", "^mine: line 3: 'fields' is given twice"),
        ("name: x\nfields: {a: uuid, ? [b] : uuid}", "^mine: is no YAML"),
    ],
)
def test_a_file_that_is_no_schema_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidSchema, match=reason):
        parse_schema(text, source="mine")


def test_a_merged_parameter_may_be_given_anew() -> None:
    text = "name: x\nfields: {a: &a {kind: sequence, start: 5, step: 2}, b: {<<: *a, start: 6}}"
    assert list(DataSet(parse_schema(text), 2, seed=1).dicts()) == [{"a": 5, "b": 6}, {"a": 7, "b": 8}]


def test_a_schema_is_found_by_name_or_by_file(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\nfields: {a: uuid}")
    assert schema_named(str(tmp_path / "mine.yaml")).name == "mine"
    assert schema_named("customers").name == "customers"
    with pytest.raises(UnknownSchema, match="schema 'custmers' is not known; did you mean 'customers'"):
        schema_named("custmers")


def test_a_file_that_is_not_there_is_not_taken_for_a_name(tmp_path: Path) -> None:
    for name in (str(tmp_path / "mine.yaml"), str(tmp_path), "mine.yml"):
        with pytest.raises(NoSchemaFile, match=rf"^{name}: there is no such file$"):
            schema_named(name)


def test_a_file_of_other_text_than_utf_8_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes("name: café\nfields: {a: uuid}".encode("latin-1"))
    with pytest.raises(InvalidSchema, match=rf"^{file}: is no text in UTF-8: 'utf-8' codec can't decode byte 0xe9"):
        schema_named(str(file))


@pytest.mark.parametrize("name", shipped())
def test_every_schema_that_ships_makes_records(name: str) -> None:
    schema = schema_named(name)
    assert schema.name == name
    assert DataSet(schema, 1000, seed=1).table().num_rows == 1000
    assert len(list(DataSet(schema, 10, seed=1).dicts())) == 10


def test_a_field_is_found_to_be_wrong_in_python_too() -> None:
    with pytest.raises(UnknownField, match="schema y, field b: field 'c' is not known"):
        Schema("y", (Field("a", Uuid()), Field("b", Lookup(field="c", table={"x": 1}))))
