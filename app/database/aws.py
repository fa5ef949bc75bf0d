"""Logging in to Amazon RDS: IAM tokens for the app, the secret that RDS keeps for the administrator."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.database.login import LoginRefused, Token
from app.topology import Shard

IAM_TOKEN_SECONDS = 15 * 60
SECRET_SECONDS = 15 * 60
"""A managed secret rotates days apart at the soonest; it is read again after this time."""
POSTGRES_PORT = 5432


def token(shard: Shard) -> Token:
    """A token for the app's role: a signed request that RDS checks, made without asking RDS."""
    from botocore.session import Session

    with _told_as_refusal(shard):
        return Token(_signed(Session(), shard), time.time() + IAM_TOKEN_SECONDS)


def admin_token(shard: Shard) -> Token:
    """The administrator's password as RDS keeps it in Secrets Manager."""
    from botocore.session import Session

    with _told_as_refusal(shard):
        client = Session().create_client("secretsmanager", region_name=shard.region)
        answer: dict[str, Any] = client.get_secret_value(SecretId=shard.admin.secret)
        return Token(json.loads(answer["SecretString"])["password"], time.time() + SECRET_SECONDS)


def _signed(session: Any, shard: Shard) -> str:
    """What RDS' own `generate_db_auth_token` makes, without loading the description of its whole API (20 MB)."""
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
        expires_in=IAM_TOKEN_SECONDS,
        signing_name="rds-db",
    )
    return url.removeprefix("https://")


@contextmanager
def _told_as_refusal(shard: Shard) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise LoginRefused(f"AWS gives no login for {shard.name}: {error}") from None
