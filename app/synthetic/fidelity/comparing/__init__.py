"""How close a synthetic sample is to a real one, and whether it is too close."""

from app.synthetic.fidelity.comparing.compare import Comparison, compare
from app.synthetic.fidelity.comparing.distances import Level
from app.synthetic.fidelity.comparing.report import Report

__all__ = ["Comparison", "Level", "Report", "compare"]
