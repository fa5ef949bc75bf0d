"""Comparison of a synthetic sample with a real one: is it close enough, and not too close?"""

from app.synthetic.fidelity.comparing.compare import Comparison, compare
from app.synthetic.fidelity.comparing.distances import Level
from app.synthetic.fidelity.comparing.report import Report

__all__ = ["Comparison", "Level", "Report", "compare"]
