"""Two samples side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.synthetic.errors import ColumnsDiffer
from app.synthetic.fidelity.columns import Role, Series, role_of, series_of
from app.synthetic.fidelity.comparing.columns import compare_column
from app.synthetic.fidelity.comparing.pairs import compare_pairs, paired
from app.synthetic.fidelity.comparing.privacy import USED, Nearness, privacy_of
from app.synthetic.fidelity.comparing.report import Report, SampleFacts
from app.synthetic.fidelity.samples import Sample, limited

PAIR_ROWS = 10_000
"""Records that pairs are measured on, at most: right to three hundredths."""


@dataclass(frozen=True)
class Comparison:
    """The report, and the data that its charts show."""

    report: Report
    real: Sequence[Series]
    synthetic: Sequence[Series]
    nearness: Nearness | None


def compare(
    real: Sample, synthetic: Sample, *, seed: int = 0, progress: Callable[[int, int], object] | None = None
) -> Comparison:
    """Compare columns, pairs of columns and privacy; raise ColumnsDiffer where the columns differ."""
    roles = _roles(real, synthetic)
    ours, theirs = ([series_of(side, name, role) for name, role in roles.items()] for side in (real, synthetic))
    columns = []
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        columns.append(compare_column(one, other))
        if progress is not None:
            progress(number + 1, len(roles))
    names = [column.name for column in paired(ours)]
    small = [limited(side, PAIR_ROWS, seed=seed) for side in (real, synthetic)]
    pairs = compare_pairs(*([series_of(sample, name, roles[name]) for name in names] for sample in small))
    privacy, nearness = privacy_of(ours, theirs, [column.name for column in columns if column.looks_copied], seed=seed)
    report = Report(
        real=SampleFacts(real.name, real.rows, real.size),
        synthetic=SampleFacts(synthetic.name, synthetic.rows, synthetic.size),
        seed=seed,
        columns=tuple(columns),
        pairs=tuple(pairs),
        unpaired=tuple(column.name for column in ours if column.role in USED and column.name not in names),
        pair_rows=PAIR_ROWS,
        privacy=privacy,
    )
    return Comparison(report, ours, theirs, nearness)


def _roles(real: Sample, synthetic: Sample) -> dict[str, Role]:
    """Return the role of each column: the real one's where it has any values."""
    place = f"{synthetic.name} against {real.name}"
    ours, theirs = real.table.column_names, synthetic.table.column_names
    missing, extra = [name for name in ours if name not in theirs], [name for name in theirs if name not in ours]
    if missing or extra:
        raise ColumnsDiffer.by_name(missing, extra, place=place)
    return {name: _role(real, synthetic, name, place) for name in ours}


def _role(real: Sample, synthetic: Sample, name: str, place: str) -> Role:
    ours, theirs = (role_of(sample.column(name)) for sample in (real, synthetic))
    if Role.EMPTY in (ours, theirs):
        return theirs if ours is Role.EMPTY else ours
    same_type = real.table[name].type == synthetic.table[name].type
    if {ours, theirs} == {Role.TEXT, Role.CATEGORY} and same_type:
        return ours  # few texts may come often by chance
    if ours is not theirs or (ours is Role.CATEGORY and not same_type):
        types = [str(sample.table[name].type) for sample in (synthetic, real)]
        raise ColumnsDiffer(f"it holds {types[0]}, and the real column {types[1]}", place=f"{place}, column {name}")
    return ours
