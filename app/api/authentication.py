"""Authentication of callers by bearer token."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer, SecurityScopes

from app.api.problems import Refused
from app.api.services import Injected, Services
from app.scopes import Scope
from app.tokens import Caller, InvalidToken

bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="Token of the OIDC issuer of this environment.")


async def authenticate(services: Services, authorization: str, required: str) -> Caller:
    """Return the caller, whose token must have the scope `required`.

    Raises Refused if the token is invalid or lacks the scope, TooManyRequests, KeysUnavailable.
    """
    kind, _, token = authorization.partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Refused(401, "a bearer token is required", "Bearer")
    try:
        known = services.callers.remembered(token) or await services.callers.caller(token)
    except InvalidToken as error:
        raise Refused(401, str(error), f'Bearer error="invalid_token", error_description="{error}"') from None
    if required not in known.scopes:
        challenge = f'Bearer error="insufficient_scope", scope="{required}"'
        raise Refused(403, f"the token lacks the scope {required}", challenge)
    await services.rates.count(known.subject)
    return known


async def caller(
    required: SecurityScopes,
    request: Request,
    services: Injected,
    _: Annotated[object, Depends(bearer)],
) -> Caller:
    """Authenticate the caller, as a dependency."""
    return await authenticate(services, request.headers.get("authorization", ""), required.scope_str)


Granter = Annotated[Caller, Security(caller, scopes=[Scope.GRANT])]
Spender = Annotated[Caller, Security(caller, scopes=[Scope.SPEND])]
Reader = Annotated[Caller, Security(caller, scopes=[Scope.READ])]
Administrator = Annotated[Caller, Security(caller, scopes=[Scope.ADMINISTER])]
