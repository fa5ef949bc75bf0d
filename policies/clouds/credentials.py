"""What gives a credential away: the name it stands under, the form it has."""

from __future__ import annotations

import re
from collections.abc import Iterable

from policies.values import REDACTED

_TELLING = re.compile(
    r"PASSW(OR)?D|PASSPHRASE|(^|_)PASS$|_PWD$"
    r"|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIAL|CONNECTION_?STRING",
    re.I,
)
_REFERENCE = re.compile(
    r"(_|^)(FILE|PATH|DIR|ARN|ID|NAME|URL|URI|TTL|SECONDS|REF)$|^GOOGLE_APPLICATION_CREDENTIALS$", re.I
)
"""Such a variable says where a secret is, or something about it; Google's libraries take the name of a file."""
_FORMS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b(AKIA|ASIA)[0-9A-Z]{16}\b"  # AWS access key ids
    r"|\bgh[pousr]_[0-9A-Za-z]{36}"  # GitHub tokens
    r"|\beyJ[0-9A-Za-z_-]+\.eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+"  # JSON Web Tokens
    r"|\b(AccountKey|SharedAccessKey)=[0-9A-Za-z+/]{20}"  # Azure connection strings
    r"|://[^/\s:@]+:(?![$<{])[^/\s:@]+@"  # URLs with a password, not with a place for one: $(PASSWORD)
)


def telling(name: str) -> bool:
    """Tell whether a variable of this name holds a secret, by all appearance."""
    return bool(_TELLING.search(name)) and not _REFERENCE.search(name)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without these secrets, and without anything that has the form of a credential."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return _FORMS.sub(REDACTED, text)


def has_credential(text: str) -> bool:
    """Tell whether something in the text has the form of a credential."""
    return bool(_FORMS.search(text))
