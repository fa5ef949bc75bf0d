"""Numbers by their distributions, and how they go together."""

from app.synthetic.numbers.distributions import Integers, LogNormal, Normal, Pareto, Poisson, Uniform
from app.synthetic.numbers.mixture import Mixture, Part
from app.synthetic.numbers.weights import Weights

__all__ = ["Integers", "LogNormal", "Mixture", "Normal", "Pareto", "Part", "Poisson", "Uniform", "Weights"]
