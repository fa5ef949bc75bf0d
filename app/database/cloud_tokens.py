"""Short-lived database passwords from the clouds: RDS, Azure Database for PostgreSQL, Cloud SQL.

The libraries of the clouds are imported inside the functions: they are heavy, and a process needs one of them at most.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from functools import cache
from typing import TYPE_CHECKING, Any

from app.topology import Shard

if TYPE_CHECKING:
    from azure.identity import WorkloadIdentityCredential

POSTGRES_PORT = 5432
RDS_TOKEN_SECONDS = 15 * 60
RDS_SECRET_SECONDS = 15 * 60
"""How long the administrator's secret is cached; its rotations are days apart."""
ENTRA_SCOPE = "https://ossrdbms-aad.database.windows.net/.default"
CLOUD_SQL_SCOPE = "https://www.googleapis.com/auth/sqlservice.login"


class LoginRefused(Exception):
    """The cloud gave no token. The message names the cloud and its reason, never a secret."""


@dataclass(frozen=True)
class Token:
    """A secret that a database accepts as password until it expires."""

    value: str = field(repr=False)
    expires_at: float
    """Seconds since 1970."""


def rds_token(shard: Shard) -> Token:
    """Sign an IAM token for the app's role; RDS verifies it, and is not asked for it."""
    from botocore.session import Session

    with _refusing(shard):
        return Token(_sign_rds_token(Session(), shard), time.time() + RDS_TOKEN_SECONDS)


def rds_admin_password(shard: Shard) -> Token:
    """Read the administrator's password, which RDS keeps in Secrets Manager."""
    from botocore.session import Session

    with _refusing(shard):
        client = Session().create_client("secretsmanager", region_name=shard.region)
        answer: dict[str, Any] = client.get_secret_value(SecretId=shard.admin.secret)
        return Token(json.loads(answer["SecretString"])["password"], time.time() + RDS_SECRET_SECONDS)


def entra_token(shard: Shard) -> Token:
    """Get an Entra token for the identity of this process; the database maps it to a role."""
    from azure.core.exceptions import AzureError

    try:
        answer = _azure_credential().get_token(ENTRA_SCOPE)
    except (AzureError, ValueError) as error:
        raise LoginRefused(f"Azure gives no token for {shard.name}: {error}") from None
    return Token(answer.token, answer.expires_on)


def cloud_sql_token(shard: Shard) -> Token:
    """Get an IAM token for the service account of this process."""
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request

    try:
        credentials, _ = google.auth.default(scopes=[CLOUD_SQL_SCOPE])
        credentials.refresh(Request())  # type: ignore[no-untyped-call]
    except GoogleAuthError as error:
        raise LoginRefused(f"Google Cloud gives no token for {shard.name}: {error}") from None
    if credentials.token is None or credentials.expiry is None:
        raise LoginRefused(f"Google Cloud gives no token for {shard.name}: its answer holds none")
    return Token(credentials.token, credentials.expiry.replace(tzinfo=UTC).timestamp())


def _sign_rds_token(session: Any, shard: Shard) -> str:
    """Do what botocore's `generate_db_auth_token` does, without loading its description of the RDS API (20 MB)."""
    from botocore.awsrequest import prepare_request_dict
    from botocore.model import ServiceId
    from botocore.signers import RequestSigner

    credentials = session.get_credentials()
    if credentials is None:
        raise LoginRefused("AWS gives this process no credentials: AWS_WEB_IDENTITY_TOKEN_FILE is not set")
    emitter = session.get_component("event_emitter")
    signer = RequestSigner(ServiceId("RDS"), shard.region, "rds", "v4", credentials, emitter)
    request: dict[str, Any] = {
        "url_path": "/",
        "query_string": "",
        "headers": {},
        "body": {"Action": "connect", "DBUser": shard.app.user},
        "method": "GET",
    }
    prepare_request_dict(request, f"https://{shard.host}:{shard.port or POSTGRES_PORT}")
    url: str = signer.generate_presigned_url(
        operation_name="connect",
        request_dict=request,
        region_name=shard.region,
        expires_in=RDS_TOKEN_SECONDS,
        signing_name="rds-db",
    )
    return url.removeprefix("https://")


@contextmanager
def _refusing(shard: Shard) -> Iterator[None]:
    """Raise the errors of botocore as LoginRefused."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise LoginRefused(f"AWS gives no login for {shard.name}: {error}") from None


@cache
def _azure_credential() -> WorkloadIdentityCredential:
    from azure.identity import WorkloadIdentityCredential

    return WorkloadIdentityCredential()
