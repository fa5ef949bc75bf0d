"""The three figures that stand together, and what they are counted from."""

from __future__ import annotations

from collections.abc import Iterable

from policies.documents import Part
from policies.verdicts import Status

NO_DATA = "no data"
WORST_FIRST = (
    Status.FAIL,
    Status.NOT_DETERMINABLE,
    Status.EXEMPT,
    Status.PASS,
    Status.NOT_APPLICABLE,
    Status.NOT_ASSESSED,
)


class Share(Part):
    """So many of so many; of none it says nothing."""

    part: int
    whole: int
    percent: float | None
    """Rounded down to a tenth, so that 100 means all; null where there is no data."""

    @classmethod
    def of(cls, part: int, whole: int) -> Share:
        return cls(part=part, whole=whole, percent=part * 1000 // whole / 10 if whole else None)

    def __str__(self) -> str:
        return NO_DATA if self.percent is None else f"{self.part} of {self.whole} ({self.percent:g}%)"


class Figures(Part):
    """Never one without the others: a high pass rate over little says little."""

    coverage: Share | None
    """Requirements of one framework for which something was evaluated, of all its requirements.

    Null over several frameworks: one verdict counts in each of them, so they cannot be added up.
    """
    pass_rate: Share
    """Verdicts that pass, of those that were evaluated: pass or fail."""
    determinacy: Share
    """Verdicts that were evaluated, of those and the ones that could not be determined."""

    def __str__(self) -> str:
        """Say all of them in words."""
        coverage = f"requirements with evidence: {self.coverage}; " if self.coverage else ""
        return f"{coverage}verdicts that pass: {self.pass_rate}; determinable: {self.determinacy}"


class BothFigures(Part):
    """Exempt verdicts count as nothing, or as what was found."""

    with_exemptions: Figures
    without_exemptions: Figures

    @property
    def differ(self) -> bool:
        """Tell whether exemptions make any difference."""
        return self.with_exemptions != self.without_exemptions

    @property
    def evaluated(self) -> bool:
        """Tell whether any check gave an answer, also one that an exemption covers."""
        return self.without_exemptions.pass_rate.whole > 0


class Tally(Part):
    """How many verdicts of each status."""

    passed: int = 0
    failed: int = 0
    not_determinable: int = 0
    exempt: int = 0
    not_applicable: int = 0

    @classmethod
    def of(cls, statuses: Iterable[Status]) -> Tally:
        listed = list(statuses)
        return cls(
            passed=listed.count(Status.PASS),
            failed=listed.count(Status.FAIL),
            not_determinable=listed.count(Status.NOT_DETERMINABLE),
            exempt=listed.count(Status.EXEMPT),
            not_applicable=listed.count(Status.NOT_APPLICABLE),
        )

    def __str__(self) -> str:
        """Say the counts in words."""
        counts = {
            Status.PASS: self.passed,
            Status.FAIL: self.failed,
            Status.NOT_DETERMINABLE: self.not_determinable,
            Status.EXEMPT: self.exempt,
            Status.NOT_APPLICABLE: self.not_applicable,
        }
        return ", ".join(f"{count} {status.value}" for status, count in counts.items() if count) or NO_DATA

    @property
    def evaluated(self) -> int:
        return self.passed + self.failed

    def figures(self, coverage: Share | None) -> Figures:
        """Return the three figures, given the share of requirements with evidence."""
        return Figures(
            coverage=coverage,
            pass_rate=Share.of(self.passed, self.evaluated),
            determinacy=Share.of(self.evaluated, self.evaluated + self.not_determinable),
        )


def worst(statuses: Iterable[Status]) -> Status:
    """Return the status of a whole: its worst part's, and NOT_ASSESSED where it has none."""
    return min(statuses, key=WORST_FIRST.index, default=Status.NOT_ASSESSED)
