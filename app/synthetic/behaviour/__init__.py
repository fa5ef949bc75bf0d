"""What people and machines do over time: transactions person by person, and time series with labelled anomalies."""

from app.synthetic.behaviour.anomalies import Anomalies, Gaps
from app.synthetic.behaviour.fraud import FraudBursts
from app.synthetic.behaviour.purchases import Dining, Groceries
from app.synthetic.behaviour.refunds import Refunds
from app.synthetic.behaviour.schedules import Rent, Salary, Subscriptions
from app.synthetic.behaviour.series import Series
from app.synthetic.behaviour.transactions import Transactions

__all__ = [
    "Anomalies",
    "Dining",
    "FraudBursts",
    "Gaps",
    "Groceries",
    "Refunds",
    "Rent",
    "Salary",
    "Series",
    "Subscriptions",
    "Transactions",
]
