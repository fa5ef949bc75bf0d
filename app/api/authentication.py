"""The caller of a request, by bearer token."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPBearer, SecurityScopes
from fastapi.security.http import HTTPAuthorizationCredentials

from app.api.problems import Refused
from app.api.services import Services, services_of
from app.tokens import Caller, InvalidToken

bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="Token of the OIDC issuer of this environment.")


async def caller(
    required: SecurityScopes,
    services: Annotated[Services, Depends(services_of)],
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Caller:
    """Who asks; raises Refused where that is not proven, or where a required scope is missing."""
    if given is None:
        raise Refused(401, "a bearer token is needed", "Bearer")
    try:
        known = await services.verifier.caller(given.credentials)
    except InvalidToken as error:
        raise Refused(401, str(error), f'Bearer error="invalid_token", error_description="{error}"') from None
    if not known.scopes.issuperset(required.scopes):
        challenge = f'Bearer error="insufficient_scope", scope="{required.scope_str}"'
        raise Refused(403, f"the token lacks the scope {required.scope_str}", challenge)
    return known
