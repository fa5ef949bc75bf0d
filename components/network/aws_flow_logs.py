"""Flow logs of a network on AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch, ec2, iam

from components import naming
from components.common import add_name, child_of, make_iam_document, make_trust_document


@dataclass(frozen=True, kw_only=True)
class AwsFlowLogsArgs:
    vpc_id: pulumi.Input[str]
    retention_days: int
    key_arn: pulumi.Input[str] | None
    keep: bool
    """Whether AWS refuses to delete the logs."""
    tags: Mapping[str, str]


class AwsFlowLogs(pulumi.ComponentResource):
    """Records of all connections that the network accepted or rejected."""

    def __init__(self, name: str, args: AwsFlowLogsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("livingfortress:network:AwsFlowLogs", name, None, opts)
        child = child_of(self, opts)
        group = cloudwatch.LogGroup(
            name,
            name=f"/living-fortress/{name}/flow",
            retention_in_days=args.retention_days,
            kms_key_id=args.key_arn,
            deletion_protection_enabled=args.keep,
            tags=args.tags,
            opts=child,
        )
        role = iam.Role(
            name,
            name=naming.fit(naming.IAM_ROLE, name, "flow-logs"),
            assume_role_policy=make_trust_document("vpc-flow-logs.amazonaws.com"),
            tags=args.tags,
            opts=child,
        )
        iam.RolePolicy(name, role=role.id, policy=group.arn.apply(_allow_write), opts=child)
        ec2.FlowLog(
            name,
            vpc_id=args.vpc_id,
            traffic_type="ALL",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=60,
            tags=add_name(args.tags, name),
            opts=child,
        )
        self.register_outputs({"logGroupArn": group.arn})


def _allow_write(log_group_arn: str) -> str:
    actions = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": f"{log_group_arn}:*"}
    return make_iam_document([statement])
