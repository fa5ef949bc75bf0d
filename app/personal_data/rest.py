"""Calls to a service of a cloud over HTTPS, with the token of the identity that this process has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import urllib3

from app.personal_data.errors import MasterKeyFailed, PersonalDataError

SECONDS = 5.0
ATTEMPTS = 3
BUSY = (429, 500, 502, 503, 504)


class Login(Protocol):
    """Gives the token for the next call."""

    def password(self) -> str:
        """Return the token; raise LoginRefused."""
        ...


class CloudService:
    """One service; `name` is how people call it, `failed` what its callers expect to be raised."""

    def __init__(self, name: str, login: Login, failed: type[PersonalDataError] = MasterKeyFailed) -> None:
        self.name = name
        self._failed = failed
        self._login = login
        retry = urllib3.Retry(
            ATTEMPTS,
            backoff_factor=0.1,
            status_forcelist=BUSY,
            allowed_methods=None,
            # The token is for this host, and for no other.
            redirect=0,
            raise_on_redirect=False,
            raise_on_status=False,
        )
        self._http = urllib3.PoolManager(timeout=urllib3.Timeout(SECONDS), retries=retry)

    def ask(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        read: Callable[[Any], Any],
        *,
        done_before: int | None = None,
    ) -> Any:
        """Return `read` of the answer's JSON; None where the status is `done_before`."""
        from app.database.cloud_tokens import LoginRefused

        try:
            headers = {"Authorization": f"Bearer {self._login.password()}"}
            answer = self._http.request(method, url, json=body, headers=headers)
        except (urllib3.exceptions.HTTPError, LoginRefused) as error:
            raise self._failed(f"{self.name} gives no answer: {error}") from None
        if answer.status == done_before:
            return None
        if answer.status != 200:
            raise self._failed(f"{self.name} refuses ({answer.status}): {_reason(answer)}")
        try:
            return read(answer.json())
        except (ValueError, KeyError, TypeError):
            raise self._failed(f"{self.name} gives an answer that is none of {url}") from None


def _reason(answer: urllib3.BaseHTTPResponse) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return answer.reason or "without a reason"
