"""The page shows what was found, in one file that reads alike everywhere, and tells of no single record."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from justhtml import JustHTML

from app.synthetic.fidelity import Comparison, Sample, compare, sample_of
from app.synthetic.fidelity.page import page_of
from app.synthetic.fidelity.page.charts import MOST_BARS, bars_of

pytestmark = pytest.mark.slow

ROWS = 600
HOSTILE = "<script>alert('$x^2$ & \"\x07')</script>"


def sample(name: str, seed: int, **more: Any) -> Sample:
    rng = np.random.default_rng(seed)
    columns = {
        "income": rng.lognormal(10, 1, ROWS),
        "plan": rng.choice(["basic", "$5 & more", "日本"], ROWS).tolist(),
        "seen": pa.array(np.datetime64("2024-01-01T00:00:00") + rng.integers(0, 10**7, ROWS)),
        "note": [f"note {number} of many" for number in rng.integers(0, 10**6, ROWS)],
        "nothing": pa.nulls(ROWS),
        HOSTILE: rng.choice(["<b>bold</b>", "</svg>"], ROWS).tolist(),
    }
    return sample_of(name, pa.table(columns | more))


def comparison() -> Comparison:
    return compare(
        sample("real.csv", 1), sample("<synthetic>.csv", 2, income=np.random.default_rng(3).normal(5, 1, ROWS))
    )


@pytest.fixture(scope="module")
def page() -> str:
    return page_of(comparison())


def test_it_is_html_without_a_fault_and_no_id_is_given_twice(page: str) -> None:
    document = JustHTML(page, strict=True, sanitize=False)
    ids = [each.attrs["id"] for each in document.query("[id]")]
    assert len(ids) == len(set(ids)) > 10
    called = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page))
    assert {one or other for one, other in called} <= set(ids)
    assert len(document.query("svg")) == 7  # five columns with values, pairs, privacy
    assert all(each.attrs["aria-label"] for each in document.query("svg"))


def test_it_needs_nothing_from_elsewhere_and_runs_nothing(page: str) -> None:
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert not re.search(r"<script|<link|<img|<image|@import|https?://|javascript:", page.replace(HOSTILE[:8], ""))
    document = JustHTML(page, strict=True, sanitize=False)
    assert not document.query("script")
    assert not document.query("b")


def test_the_same_comparison_gives_the_same_bytes(page: str) -> None:
    assert page_of(comparison()) == page


def test_it_has_the_colours_of_the_page_so_that_it_reads_in_the_dark(page: str) -> None:
    assert "prefers-color-scheme: dark" in page
    drawn = "".join(re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL))
    for name in ("real", "synthetic", "soft"):
        assert f"var(--{name})" in drawn
    assert "#0a0b0" not in page
    curves = drawn.partition("go together")[0]
    assert not re.search(r"(fill|stroke): (#000000|black|#ffffff|white)", curves)


def test_it_says_what_was_found(page: str) -> None:
    text = re.sub(r"\s+", " ", JustHTML(page, strict=True, sanitize=False).to_text())
    assert "real.csv: 600 records" in text
    assert "values are missing in both samples" in text
    assert "they lie lower by" in text
    assert "$5 & more" in text
    assert "日本" in text


def test_what_was_drawn_is_said() -> None:
    drawn = sample("real.csv", 1)
    many = Sample(drawn.name, drawn.table, rows=1_234_567)
    assert "1,234,567 records, of which 600 were drawn and looked at" in page_of(compare(many, sample("s.csv", 2)))


def test_rare_categories_and_what_is_far_out_are_not_shown() -> None:
    rng = np.random.default_rng(4)
    rare = {"city": ["Secretia"] * 9 + rng.choice(["Bath", "York"], ROWS - 9).tolist()}
    income = np.append(rng.normal(100, 1, ROWS - 1), 987654.0)
    found = compare(sample("r", 1, **rare, income=income), sample("s", 2, **rare, income=income))
    text = page_of(found)
    assert "Secretia" not in text
    assert "987" not in re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL)
    chart = text.partition('aria-label="income: shares of values')[2].partition("</svg>")[0]
    ticks = [float(each) for each in re.findall(r">([\d.e]+)</text>", chart)]
    assert 100.0 in ticks
    assert max(ticks) < 110
    city = next(each for each in found.real if each.name == "city")
    assert bars_of(city, city)["all others"] == pytest.approx((9 / ROWS, 9 / ROWS))


def test_of_many_categories_the_most_frequent_are_shown() -> None:
    names = [f"c{number:02}" for number in range(30) for _ in range(20 + number)]
    found = compare(sample_of("r", pa.table({"x": names})), sample_of("s", pa.table({"x": names})))
    bars = bars_of(found.real[0], found.synthetic[0])
    assert next(iter(bars)) == "c29"
    assert len(bars) == MOST_BARS
    assert sum(one for one, _ in bars.values()) == pytest.approx(1)


def test_a_page_without_any_data_says_so() -> None:
    nothing = sample_of("x", pa.table({"a": pa.nulls(50), "b": [[1]] * 50}))
    text = page_of(compare(nothing, nothing))
    assert "No data: there are no two columns" in text
    assert "<svg" not in text
    assert "nan" not in text.lower().replace("tenant", "")
