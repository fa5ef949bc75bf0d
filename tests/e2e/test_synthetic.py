"""The customers that README loads into the three local clouds, in a smaller number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

import pytest

from app.synthetic import DataSet, schema_named
from tests.e2e.conftest import ROOT, Local

pytestmark = [pytest.mark.engine, pytest.mark.servers, pytest.mark.xdist_group("local")]
PRIMARIES = ("aws-0", "azure-0", "gcp-0")
ROWS = 100_000
"""Four chunks: each database gets at least one."""


def line_of_readme(pattern: str) -> str:
    [line] = re.findall(rf"^\.venv/bin/fortress {pattern}$", (ROOT / "README.md").read_text(), re.MULTILINE)
    return str(line)


@pytest.fixture(scope="module")
def loaded(up: Local) -> Iterator[str]:
    """Load customers with the command of README, yield its output, and drop them at the end."""
    yield up.fortress(*line_of_readme("(data generate .*)").replace("1e6", str(ROWS)).split()).stdout
    for service in PRIMARIES:
        up.fortress("psql", service, "-c", "drop table if exists customers")


def test_the_customers_of_readme_are_distributed_over_the_three_clouds(local: Local, loaded: str) -> None:
    assert loaded.startswith(f"{ROWS:,} records of customers in postgresql:///customers: ")
    shares = [local.rows(service, "select id, name, city, note from customers") for service in PRIMARIES]
    assert min(map(len, shares)) > ROWS // 10
    made = DataSet(schema_named("customers"), ROWS, seed=7).dicts()
    assert sorted(chain(*shares)) == sorted((row["id"], row["name"], row["city"], row["note"]) for row in made)


@pytest.mark.usefixtures("loaded")
def test_the_query_of_readme_returns_the_customers_that_readme_shows(local: Local) -> None:
    rows = local.rows("aws-0", line_of_readme(r'psql aws-0 -c "(.* customers .*)"'))
    readme = (ROOT / "README.md").read_text()
    assert len(rows) == 3
    assert all(value in readme for row in rows for value in row)
