"""People: names as frequent as in their country, dates of birth, user names, mailboxes and telephone numbers."""

from app.synthetic.people.accounts import RESERVED, Accounts
from app.synthetic.people.ages import Ages
from app.synthetic.people.names import GENDERS, names
from app.synthetic.people.phones import Numbers, reserved

__all__ = [
    "GENDERS",
    "RESERVED",
    "Accounts",
    "Ages",
    "Numbers",
    "names",
    "reserved",
]
