"""Figures of matplotlib as SVG that lies within a page: in its colours, with its fonts, and nothing said twice."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, SOFT, REAL, SYNTHETIC = "#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04"
"""Colours that nobody sees: each becomes one of the page, which are others when it is dark."""
COLOURS: Mapping[str, str] = {INK: "ink", SOFT: "soft", REAL: "real", SYNTHETIC: "synthetic"}
STYLE: dict[Any, Any] = {
    "axes.edgecolor": SOFT,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "font.family": ["DejaVu Sans"],  # it comes with matplotlib, so all machines measure alike
    "font.size": 9,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "fidelity",
    "text.color": INK,
    "text.parse_math": False,  # a dollar is a dollar
    "timezone": "UTC",
    "xtick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.color": SOFT,
    "ytick.labelcolor": INK,
}
NOTHING: Mapping[str, None] = dict.fromkeys(("Creator", "Date", "Format", "Type"))


@contextmanager
def figure(width: float, height: float) -> Iterator[Figure]:
    """Return an empty figure in the page's style; sizes in inches. The page's font shows characters that ours lacks."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        drawn = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(drawn)
        yield drawn


def inline(drawn: Figure, *, name: str, label: str) -> str:
    """Render the figure as an element; `label` describes it, `name` makes its ids unique on the page."""
    out = StringIO()
    drawn.savefig(out, format="svg", metadata=dict(NOTHING))
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>|\s*<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    svg = _ids(svg, name)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = _head(svg, label)
    for colour, variable in COLOURS.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return re.sub(r"\s*\n\s*", " ", svg).replace("> <", "><").strip()


def _ids(svg: str, name: str) -> str:
    """Keep only ids that are referenced, and make them unique."""
    called = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in called else "", svg)
    return re.sub(r'(?:xlink:)?href="#', f'href="#{name}-', svg).replace("url(#", f"url(#{name}-")


def _head(svg: str, label: str) -> str:
    box = re.search(r'viewBox="[^"]*"', svg)
    assert box is not None, "matplotlib writes one"
    escaped = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'<svg {box[0]} role="img" aria-label="{escaped}">' + svg[svg.index(">") + 1 :]
