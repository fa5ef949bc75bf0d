"""Logging in to Amazon RDS: IAM tokens for the app, the secret that RDS keeps for the administrator."""

from __future__ import annotations

import json
import time
from typing import Any

from app.database.login import LoginRefused, Token
from app.sharding import Shard

IAM_TOKEN_SECONDS = 15 * 60
SECRET_SECONDS = 15 * 60
"""A managed secret rotates at most every few hours; it is read again after this time."""


def token(shard: Shard) -> Token:
    """A token for the app's role: a signed request that RDS checks, made without asking anybody."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.model import ServiceId
    from botocore.session import Session
    from botocore.signers import RequestSigner

    session = Session()
    try:
        credentials = session.get_credentials()
        if credentials is None:
            raise LoginRefused("AWS gives this process no credentials: is AWS_WEB_IDENTITY_TOKEN_FILE set?")
        signer = RequestSigner(
            ServiceId("rds-db"), shard.region, "rds-db", "v4", credentials, session.get_component("event_emitter")
        )
        endpoint = f"{shard.host}:{shard.port or 5432}"
        url = signer.generate_presigned_url(
            {
                "method": "GET",
                "url": f"https://{endpoint}/?Action=connect&DBUser={shard.app.user}",
                "body": {},
                "headers": {},
                "context": {},
            },
            operation_name="connect",
            region_name=shard.region,
            expires_in=IAM_TOKEN_SECONDS,
        )
    except (BotoCoreError, ClientError) as error:
        raise LoginRefused(f"AWS gives no token for {shard.name}: {error}") from None
    return Token(url.removeprefix("https://"), time.time() + IAM_TOKEN_SECONDS)


def admin_token(shard: Shard) -> Token:
    """The administrator's password as RDS keeps it in Secrets Manager."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.session import Session

    try:
        client = Session().create_client("secretsmanager", region_name=shard.region)
        answer: dict[str, Any] = client.get_secret_value(SecretId=shard.admin.secret)
    except (BotoCoreError, ClientError) as error:
        raise LoginRefused(f"AWS gives no administrator's secret for {shard.name}: {error}") from None
    return Token(json.loads(answer["SecretString"])["password"], time.time() + SECRET_SECONDS)
