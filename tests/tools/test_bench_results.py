"""Kept figures of the benches."""

from __future__ import annotations

import json

from tools.bench.measurement import RESULTS, to_json


def test_lists_of_numbers_take_one_line_and_nothing_is_lost() -> None:
    document = {"samples": [1.5, -2, 3e-05], "empty": [], "names": ["a", "b"], "one": [7]}
    text = to_json(document)
    assert json.loads(text) == document
    assert ' "samples": [1.5, -2, 3e-05],\n' in text
    assert ' "one": [7]\n' in text


def test_kept_results_are_written_as_the_bench_writes_them() -> None:
    files = sorted(RESULTS.glob("*.json"))
    assert files
    for file in files:
        assert file.read_text() == to_json(json.loads(file.read_text())), file
