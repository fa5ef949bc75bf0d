"""The Job that brings a home's shards to the schema of the image."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes import batch

from components.app_deployment.pods import checksum, migration_pod, selector
from components.app_deployment.settings import AppDeploymentArgs
from components.common import child_of
from components.identity.workloads import MIGRATOR

KEPT_SECONDS = 7 * 24 * 3600
"""A finished Job stays this long for people to read; one that is gone would run again, which changes nothing."""
DEADLINE_SECONDS = 900


class AppMigration(pulumi.ComponentResource):
    """Runs once for each image and directory: its name changes with either, so Pulumi makes a new Job."""

    job: batch.v1.Job

    def __init__(self, name: str, args: AppDeploymentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:app_deployment:AppMigration", name, None, opts)
        labels = {**args.labels, **selector(MIGRATOR)}
        job_name = pulumi.Output.from_input(args.directory).apply(
            lambda directory: f"ledger-migrate-{checksum(args.image + directory)[:10]}"
        )
        self.job = batch.v1.Job(
            name,
            metadata={
                "name": job_name,
                "namespace": args.namespace,
                "labels": labels,
                "annotations": {"pulumi.com/replaceUnready": "true"},  # a failed Job is made anew, not waited for again
            },
            spec={
                "backoffLimit": 3,
                "activeDeadlineSeconds": DEADLINE_SECONDS,
                "ttlSecondsAfterFinished": KEPT_SECONDS,
                "template": {"metadata": {"labels": labels}, "spec": migration_pod(args)},
            },
            opts=child_of(self, opts),
        )
        self.register_outputs({"job": job_name})
