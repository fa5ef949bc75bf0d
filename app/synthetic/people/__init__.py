"""People: names as frequent as in their country, dates of birth, user names, mailboxes and telephone numbers."""

from app.synthetic.people.accounts import RESERVED, Accounts, Handles, Mailboxes, accounts
from app.synthetic.people.ages import Ages
from app.synthetic.people.names import GENDERS, Names, names
from app.synthetic.people.phones import Numbers, Phones, Range, phones, reserved

__all__ = [
    "GENDERS",
    "RESERVED",
    "Accounts",
    "Ages",
    "Handles",
    "Mailboxes",
    "Names",
    "Numbers",
    "Phones",
    "Range",
    "accounts",
    "names",
    "phones",
    "reserved",
]
