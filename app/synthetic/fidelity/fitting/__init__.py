"""From a sample to a schema whose records resemble it."""

from app.synthetic.fidelity.fitting.column import Options
from app.synthetic.fidelity.fitting.fit import fit
from app.synthetic.fidelity.fitting.fitted import Fitted

__all__ = ["Fitted", "Options", "fit"]
