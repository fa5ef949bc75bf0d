"""What people and machines do over time: time series with anomalies that are labelled."""

from app.synthetic.behaviour.anomalies import Anomalies, Gaps
from app.synthetic.behaviour.series import Series

__all__ = ["Anomalies", "Gaps", "Series"]
