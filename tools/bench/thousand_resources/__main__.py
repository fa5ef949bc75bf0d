"""A Pulumi program of 1,000 resources in three clouds and a cluster, for measuring; what it makes means nothing."""

import json

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

UNITS, CLUSTER = 90, "thousand.rehearsal.localcloud.invalid"
KUBECONFIG = {
    "current-context": "thousand",
    "clusters": [{"name": "thousand", "cluster": {"server": f"https://{CLUSTER}"}}],
    "contexts": [{"name": "thousand", "context": {"cluster": "thousand"}}],
}
ON_AWS = pulumi.ResourceOptions(
    provider=aws.Provider("aws", region="eu-central-1", allowed_account_ids=["000000000001"])
)
ON_GCP = pulumi.ResourceOptions(
    provider=gcp.Provider("gcp", project="living-fortress-rehearsal", region="europe-west3")
)
ON_CLUSTER = pulumi.ResourceOptions(provider=kubernetes.Provider("cluster", kubeconfig=json.dumps(KUBECONFIG)))
TAGS = {"environment": "test", "owner": "platform", "cost-centre": "none", "data-classification": "internal"}
CONFINED = {
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
}
RESOURCES = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}
IMAGE = f"ghcr.io/living-fortress/app@sha256:{'0' * 64}"


def in_aws(name: str) -> None:
    """Six: a key, a bucket with three companions, a log group. No bucket demands TLS or logs who reads it."""
    key = aws.kms.Key(name, description="measured", enable_key_rotation=True, tags=TAGS, opts=ON_AWS)
    bucket = aws.s3.Bucket(name, bucket=name, tags=TAGS, opts=ON_AWS)
    aws.s3.BucketPublicAccessBlock(
        name,
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=ON_AWS,
    )
    aws.s3.BucketVersioning(name, bucket=bucket.id, versioning_configuration={"status": "Enabled"}, opts=ON_AWS)
    encrypted = {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn}
    aws.s3.BucketServerSideEncryptionConfiguration(
        name, bucket=bucket.id, rules=[{"apply_server_side_encryption_by_default": encrypted}], opts=ON_AWS
    )
    aws.cloudwatch.LogGroup(name, retention_in_days=365, kms_key_id=key.arn, tags=TAGS, opts=ON_AWS)


def in_gcp(name: str, key: gcp.kms.CryptoKey) -> None:
    """Two: a database server, a bucket."""
    flags = {"cloudsql.iam_authentication": "on", "cloudsql.enable_pgaudit": "on", "log_connections": "on"}
    gcp.sql.DatabaseInstance(
        name,
        database_version="POSTGRES_17",
        region="europe-west3",
        encryption_key_name=key.id,
        settings={
            "tier": "db-f1-micro",
            "ip_configuration": {"ipv4_enabled": False, "ssl_mode": "ENCRYPTED_ONLY"},
            "backup_configuration": {"enabled": True, "point_in_time_recovery_enabled": True},
            "database_flags": [{"name": flag, "value": value} for flag, value in flags.items()],
            "user_labels": TAGS,
        },
        opts=ON_GCP,
    )
    gcp.storage.Bucket(
        name,
        location="EU",
        uniform_bucket_level_access=True,
        public_access_prevention="enforced",
        versioning={"enabled": True},
        encryption={"default_kms_key_name": key.id},
        labels=TAGS,
        opts=ON_GCP,
    )


def in_cluster(name: str) -> None:
    """Three: a namespace that is closed, and what runs in it."""
    labels = TAGS | {"pod-security.kubernetes.io/enforce": "restricted"}
    kubernetes.core.v1.Namespace(name, metadata={"name": name, "labels": labels}, opts=ON_CLUSTER)
    here = {"name": name, "namespace": name, "labels": TAGS}
    closed = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    kubernetes.networking.v1.NetworkPolicy(name, metadata=here, spec=closed, opts=ON_CLUSTER)
    container = {"name": "app", "image": IMAGE, "securityContext": CONFINED, "resources": RESOURCES}
    safe = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    pods = {"containers": [container], "securityContext": safe, "automountServiceAccountToken": False}
    template = {"metadata": {"labels": {"app": name}}, "spec": pods}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template}
    kubernetes.apps.v1.Deployment(name, metadata=here, spec=spec, opts=ON_CLUSTER)


ring = gcp.kms.KeyRing("ring", location="europe-west3", opts=ON_GCP)
shared = gcp.kms.CryptoKey("shared", key_ring=ring.id, rotation_period="7776000s", labels=TAGS, opts=ON_GCP)
for number in range(UNITS):
    in_aws(f"unit-{number}")
    in_gcp(f"unit-{number}", shared)
    in_cluster(f"unit-{number}")
for number in range(5):
    aws.cloudwatch.LogGroup(f"spare-{number}", retention_in_days=365, tags=TAGS, opts=ON_AWS)
