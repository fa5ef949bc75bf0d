"""A schema that was fitted makes records like those of the sample, and holds nothing that is somebody's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from app.synthetic import DataSet, Schema, parse_schema, schema_named
from app.synthetic.errors import ImpossibleParameters, UnfitSample, UnknownField
from app.synthetic.fidelity.fitting import Fitted, Options, fit
from app.synthetic.fidelity.samples import Sample, sample_of

ROWS = 5_000


def sample(**columns: Any) -> Sample:
    return sample_of("real", pa.table(columns))


def kinds(fitted: Fitted) -> dict[str, str]:
    return {each.name: each.kind for each in fitted.columns}


def made(fitted: Fitted, rows: int = ROWS) -> pa.Table:
    schema: Schema = parse_schema(fitted.yaml())
    return DataSet(schema, rows, seed=9).table()


def test_customers_are_fitted_to_a_schema_like_their_own() -> None:
    fitted = fit(sample_of("customers", DataSet(schema_named("customers"), ROWS, seed=3).table()), "like")
    assert kinds(fitted) == {
        "id": "uuid",
        "number": "number.integer",
        "name": "person.name",
        "gender": "choice",
        "birth_date": "person.birth_date",
        "user_name": "person.user_name",
        "email": "person.email",
        "phone": "person.phone",
        "street": "place.street",
        "city": "place.city",
        "region": "place.region",
        "postcode": "place.postcode",
        "country": "place.country",
        "latitude": "place.latitude",
        "longitude": "place.longitude",
        "time_zone": "place.time_zone",
        "plan": "choice",
        "active": "boolean",
        "joined": "timestamp",
        "last_seen": "timestamp.after",
        "currency": "lookup",
        "iban": "identifier.iban",
        "card": "identifier.card",
        "monthly_spend": "number.lognormal",
        "credit_score": kinds(fitted)["credit_score"],
        "note": "text.words",
    }
    by_name = {each.name: each for each in fitted.columns}
    assert kinds(fitted)["credit_score"] in ("number.normal", "number.mixture")
    assert by_name["last_seen"].field["mean_days"] == pytest.approx(400, rel=0.05)
    assert by_name["last_seen"].nulls == pytest.approx(0.02, abs=0.008)
    assert by_name["currency"].field["table"]["FR"] == "EUR"
    assert fitted.hidden["place"]["countries"]["US"] == pytest.approx(0.4, abs=0.03)
    assert fitted.correlations["monthly_spend"]["credit_score"] == pytest.approx(0.35, abs=0.05)
    table = made(fitted)
    assert table["phone"].null_count == pytest.approx(0.06 * ROWS, abs=80)
    pairs = set(zip(*(table[name].to_pylist() for name in ("country", "currency")), strict=True))
    assert ("GB", "GBP") in pairs
    assert len(pairs) == 7


def test_nothing_of_rare_values_or_of_people_gets_into_the_schema() -> None:
    rng = np.random.default_rng(4)
    rare = [f"Secretia{number}" for number in range(60)]
    income = np.round(rng.lognormal(10, 1, ROWS), 2)
    fitted = fit(
        sample(
            disease=[*rare, *rng.choice(["flu", "cold"], ROWS - 60)],
            name=[f"Ada Secretia{number}" for number in range(ROWS)],
            contact=[f"secretia{number}@mail.example" for number in range(ROWS)],
            note=[f"Call Secretia{number} today" for number in range(ROWS)],
            income=income,
            age=pa.array([*[111], *rng.integers(18, 90, ROWS - 1)]),
            seen=pa.array(np.datetime64("2024-03-07T11:22:33") + rng.integers(0, 10**7, ROWS)),
        ),
        "safe",
    )
    text = fitted.yaml()
    assert "ecretia" not in text
    assert "flu" in text
    for number in (income.min(), income.max(), 111):
        assert f" {number}" not in text.partition("fields:")[2]
    assert "11:22" not in text
    assert kinds(fitted) | {"income": "", "age": ""} == {
        "disease": "choice",
        "name": "person.name",
        "contact": "person.email",
        "note": "text.words",
        "income": "",
        "age": "",
        "seen": "timestamp",
    }
    diseases = next(each for each in fitted.columns if each.name == "disease")
    assert diseases.field["values"]["other"] == pytest.approx(60 / ROWS)
    assert "60 rare ones" in diseases.reason


def test_identifiers_get_their_form_where_a_kind_has_it() -> None:
    rng = np.random.default_rng(5)
    fitted = fit(
        sample(
            row=np.arange(1, ROWS + 1),
            customer_id=rng.permutation(90_000)[:ROWS] + 10_000,
            order=[f"ORD-{number:06}" for number in rng.permutation(ROWS)],
            session=[f"{number:x}z" for number in rng.permutation(10**6)[:ROWS]],
            ssn=[f"{number:09}" for number in rng.integers(0, 10**9, ROWS)],
            cents=rng.lognormal(16, 1, ROWS).astype(np.int64),
            phone=rng.integers(10**9, 10**10, ROWS),
            zip=rng.integers(10_000, 10_100, ROWS),
        ),
        "identifiers",
    )
    assert kinds(fitted) == {
        "row": "sequence",
        "customer_id": "number.integer",
        "order": "template",
        "session": "uuid",
        "ssn": "template",
        "cents": "number.lognormal",
        "phone": "number.integer",  # a column of numbers stays one, or nothing could be compared
        "zip": "number.integer",
    }
    table = made(fitted, 200)
    assert all(len(order) == 10 and order.startswith("ORD-") for order in table["order"].to_pylist())
    assert len(set(table["ssn"].to_pylist())) == 200
    assert {len(str(each)) for each in table["customer_id"].to_pylist()} == {5}


def test_places_that_all_are_common_categories_stay_these_and_decide_others() -> None:
    rng = np.random.default_rng(6)
    city = rng.choice(["Bruges", "Ghent", "Liège"], ROWS, p=[0.5, 0.3, 0.2])
    region = [{"Liège": "Wallonia"}.get(str(each), "Flanders") for each in city]
    fitted = fit(sample(city=city.tolist(), region=region), "places")
    assert kinds(fitted) == {"city": "choice", "region": "lookup"}
    pairs = set(zip(*(made(fitted)[name].to_pylist() for name in ("city", "region")), strict=True))
    assert pairs == {("Bruges", "Flanders"), ("Ghent", "Flanders"), ("Liège", "Wallonia")}


def test_correlations_are_those_of_the_sample_also_where_values_repeat() -> None:
    rng = np.random.default_rng(7)
    drawn = rng.multivariate_normal(
        [0, 0, 0, 0], [[1, 0.7, 0.5, 0], [0.7, 1, 0.3, 0], [0.5, 0.3, 1, 0], [0, 0, 0, 1]], ROWS
    )
    columns = {
        "spend": np.exp(drawn[:, 0]),
        "orders": stats.poisson(2).ppf(stats.norm.cdf(drawn[:, 1])),
        "member": drawn[:, 2] > 0.5,
        "shoe": drawn[:, 3],
    }
    fitted = fit(sample(**columns), "pairs")
    assert "shoe" not in str(fitted.correlations)
    table = made(fitted, 20_000)
    for one, other in (("spend", "orders"), ("spend", "member"), ("orders", "member")):
        real = stats.spearmanr(columns[one], columns[other]).statistic
        theirs = stats.spearmanr(table[one].to_numpy(), table[other].to_numpy()).statistic
        assert theirs == pytest.approx(real, abs=0.03), (one, other)


@pytest.mark.slow
def test_correlations_that_no_columns_can_have_are_made_possible() -> None:
    # A sum of three: with the chance correlations of its parts left out, nothing has the rest exactly.
    one, two, three = np.random.default_rng(0).normal(size=(3, ROWS))
    columns = {"one": one, "two": two, "three": three, "sum": one + two + three}
    fitted = fit(sample(**columns), "sum")
    table = made(fitted, 20_000)
    for part in ("one", "two", "three"):
        assert fitted.correlations[part]["sum"] == pytest.approx(0.56, abs=0.03)
        assert stats.spearmanr(table[part].to_numpy(), table["sum"].to_numpy()).statistic == pytest.approx(
            0.56, abs=0.03
        )


def test_texts_are_learnt_only_where_asked_and_no_sentence_of_theirs_is_kept() -> None:
    rng = np.random.default_rng(9)
    people, things = ["Mother", "Father", "Sister", "Brother", "Uncle"], ["boats", "trains", "horses", "kites", "stars"]
    drawn = zip(*(rng.choice(each, ROWS) for each in (people, ["likes", "sees", "draws"], things, things)), strict=True)
    real = sample(
        note=[f"{who} {does} {one} and never {other} at home. {does} {one} too." for who, does, one, other in drawn]
    )
    learnt = fit(real, "learnt", Options(learn=("note",), corpus_prefix="mine."))
    assert fit(real, "plain").corpora == {}
    assert learnt.columns[0].field == {"kind": "text.words", "words": 11, "corpus": "mine.note.txt"}
    assert "real texts" in learnt.columns[0].reason
    corpus = learnt.corpora["mine.note.txt"]
    assert {"Mother", "kites"} <= set(corpus.split())
    written = [sentence.strip() for sentence in corpus.split("\n\n")]
    assert len(written) == 2000
    assert not set(written) & set(real.table["note"].to_pylist())


def test_what_cannot_be_fitted_is_said_with_its_place() -> None:
    tags = pa.array([["a"], ["b"]] * 10)
    fitted = fit(
        sample(tags=tags, nothing=pa.nulls(20), few=[1.5] + [None] * 19, same=[7] * 20, place=["x"] * 20), "odd"
    )
    assert fitted.left_out == {"tags": "no kind makes list<item: string>"}
    assert kinds(fitted) == {"nothing": "constant", "few": "constant", "same": "constant", "place_": "constant"}
    assert [each.reason for each in fitted.columns][:2] == [
        "no data, all values are missing",
        "no data, 1 values are too few to fit anything",
    ]
    assert "1.5" not in fitted.yaml()
    assert made(fitted, 3).to_pylist()[0] == {"nothing": None, "few": None, "same": 7, "place_": "x"}
    with pytest.raises(UnfitSample, match="real: has no column of which a field can be made"):
        fit(sample(tags=tags), "none")
    with pytest.raises(UnfitSample, match="real: has 3 rows, and what fewer than 10 have"):
        fit(sample(a=[1, 2, 3]), "small")
    with pytest.raises(UnknownField, match="real: field 'nite' is not known; did you mean 'note'"):
        fit(sample(note=["x"] * 20), "x", Options(learn=("nite",)))
    with pytest.raises(UnfitSample, match="real, column note: holds no texts to learn"):
        fit(sample(note=[1] * 20), "x", Options(learn=("note",)))
    with pytest.raises(UnfitSample, match=r"column note: its texts cannot be learnt: it has 20 sentences"):
        fit(sample(note=["x y z"] * 20), "x", Options(learn=("note",)))
    with pytest.raises(ImpossibleParameters, match="rare is 0"):
        Options(rare=0)
    with pytest.raises(ImpossibleParameters, match="criterion is best: it must be bic or aic"):
        Options(criterion="best")
