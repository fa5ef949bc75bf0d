"""The Job that migrates a home's shards to the schema of the image."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes import batch

from components.app_deployment.pods import build_migration_pod, checksum, selector
from components.app_deployment.settings import AppDeploymentArgs
from components.common import child_of
from components.identity.workloads import MIGRATOR

KEPT_SECONDS = 7 * 24 * 3600
"""How long a finished Job stays readable. After that the next `up` runs it again, which changes nothing."""
DEADLINE_SECONDS = 900


class AppMigration(pulumi.ComponentResource):
    """A Job that runs once per image and directory: its name changes with either, so Pulumi creates a new one."""

    def __init__(self, name: str, args: AppDeploymentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:app_deployment:AppMigration", name, None, opts)
        labels = {**args.labels, **selector(MIGRATOR)}
        job_name = pulumi.Output.from_input(args.directory).apply(
            lambda directory: f"ledger-migrate-{checksum(args.image + directory)[:10]}"
        )
        batch.v1.Job(
            name,
            metadata={
                "name": job_name,
                "namespace": args.namespace,
                "labels": labels,
                "annotations": {
                    "pulumi.com/replaceUnready": "true"
                },  # replace a failed Job instead of waiting for it again
            },
            spec={
                "backoffLimit": 3,
                "activeDeadlineSeconds": DEADLINE_SECONDS,
                "ttlSecondsAfterFinished": KEPT_SECONDS,
                "template": {"metadata": {"labels": labels}, "spec": build_migration_pod(args)},
            },
            opts=child_of(self, opts),
        )
        self.register_outputs({"job": job_name})
