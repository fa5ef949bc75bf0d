"""The master credential of an RDS server that has read replicas."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi
from pulumi_aws import secretsmanager

from components import naming
from components.common import child_of

LENGTH = 40


class AwsMasterCredential(pulumi.ComponentResource):
    """A credential that Secrets Manager generates and keeps, in the format of RDS.

    RDS refuses read replicas of a server whose credential it manages (Amazon RDS User Guide, limitations of the
    Secrets Manager integration), so this secret is ours. It is marked secret everywhere, and can be rotated in Secrets
    Manager and RDS at any time: later runs keep what is stored there.
    """

    arn: pulumi.Output[str]
    password: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        role: str,
        key_arn: pulumi.Input[str],
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions,
        *,
        recovery_days: int = 30,
    ) -> None:
        super().__init__("livingfortress:database:AwsMasterCredential", name, None, opts)
        child = child_of(self, opts)
        secret = secretsmanager.Secret(
            name,
            name=naming.fit(naming.SECRET, name, role),
            description=f"Credential of {role}",
            kms_key_id=key_arn,
            # With 0 the name is free at once, for temporary environments.
            recovery_window_in_days=recovery_days,
            tags=tags,
            opts=child,
        )
        invented = secretsmanager.get_random_password_output(
            password_length=LENGTH,
            exclude_punctuation=True,
            opts=pulumi.InvokeOutputOptions(parent=self),
        ).random_password
        stored = secretsmanager.SecretVersion(
            name,
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(
                invented.apply(lambda password: json.dumps({"username": role, "password": password}))
            ),
            # Every run generates another one; the first one stays.
            opts=pulumi.ResourceOptions(
                parent=self, ignore_changes=["secretString"], additional_secret_outputs=["secretString"]
            ),
        )
        # Users see the ARN only once it holds a value.
        self.arn = pulumi.Output.all(secret.arn, stored.id).apply(lambda both: str(both[0]))
        # Read back what is stored, so secret and server agree even after an interrupted run.
        self.password = pulumi.Output.secret(
            stored.secret_string.apply(lambda text: str(json.loads(text)["password"]) if text else "")
        )
        self.register_outputs({"arn": self.arn})
