"""One HTML page with everything in it: no script, no network, light and dark."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.synthetic.fidelity.comparing import Comparison, Level
from app.synthetic.fidelity.comparing.pairs import MOST_COLUMNS, paired
from app.synthetic.fidelity.page.charts import EDGE, RARE, column_chart, pair_charts, plain, privacy_chart

TEMPLATES = Path(__file__).with_name("templates")
NONE = "\N{EN DASH}"
"""Where a measure does not apply, or cannot be had."""


def page_of(comparison: Comparison) -> str:
    """Render the page; equal comparisons give equal bytes."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"share": share, "number": number, "mark": mark, "plain": plain}
    report = comparison.report
    names = [column.name for column in paired(comparison.real)]
    charts = [
        Markup(column_chart(real, synthetic, name=f"column-{place}"))  # noqa: S704 (SVG, whose texts are escaped)
        for place, (real, synthetic) in enumerate(zip(comparison.real, comparison.synthetic, strict=True))
    ]
    near = privacy_chart(comparison.nearness, name="privacy") if comparison.nearness else ""
    return environment.get_template("report.html").render(
        report=report,
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),  # noqa: S704 (our own file)
        columns=list(zip(report.columns, charts, strict=True)),
        pair_chart=Markup(pair_charts(names, report.pairs, name="pairs")),  # noqa: S704
        privacy_chart=Markup(near),  # noqa: S704
        edge=EDGE,
        rare=RARE,
        most_columns=MOST_COLUMNS,
        levels=tuple(Level),
    )


def share(value: float | None) -> str:
    """Return a share as a percentage."""
    return NONE if value is None else f"{100 * value:.1f}%"


def number(value: float | None) -> str:
    """Return a number with four significant digits."""
    return NONE if value is None else f"{value:.4g}"


def mark(level: Level) -> Markup:
    """Return a level with its sign."""
    return Markup('<span class="chip {}">{}</span>').format(level.value.replace(" ", "-"), level.value)
