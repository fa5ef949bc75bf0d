"""Queues, topics, streams and logs."""

from __future__ import annotations

from policies import MEDIUM, PASS, Resource, Verdict, applies_to, fixed_by, in_turn, passes_if, sets
from policies.controls.encryption_at_rest import KEY_SOURCE, OWN_KEY, STORED, control, has_own_key, key_is_in_vault

queue_encrypted = control(
    "ENC-008",
    title="Queues, topics and streams are encrypted",
    severity=MEDIUM,
    maps=STORED,
    remedy="Turn encryption on; in Azure and GCP, which always encrypt, with a customer-managed key.",
)


@queue_encrypted
@applies_to("aws:sqs/queue:Queue", reads=["sqsManagedSseEnabled", "kmsMasterKeyId"])
@fixed_by(sets("sqsManagedSseEnabled", True))
def sqs_is_encrypted(queue: Resource) -> Verdict:
    if queue.flag("sqsManagedSseEnabled", default=True):
        return PASS
    return passes_if(queue.has("kmsMasterKeyId"), "sqsManagedSseEnabled is off, and there is no key")


@queue_encrypted
@applies_to("aws:sns/topic:Topic", reads=["kmsMasterKeyId"])
def sns_is_encrypted(topic: Resource) -> Verdict:
    """No fix: alarms, buckets and events cannot publish to a topic with the key of AWS, and nobody would notice."""
    return passes_if(topic.has("kmsMasterKeyId"), "kmsMasterKeyId is not set")


@queue_encrypted
@applies_to("aws:kinesis/stream:Stream", reads=["encryptionType"])
@fixed_by(in_turn(sets("encryptionType", "KMS"), sets("kmsKeyId", "alias/aws/kinesis")))
def kinesis_is_encrypted(stream: Resource) -> Verdict:
    kind = stream.text("encryptionType", "NONE")
    return passes_if(kind == "KMS", f"encryptionType is {kind}")


@queue_encrypted
@applies_to("aws:msk/cluster:Cluster", reads=["encryptionInfo.encryptionAtRestKmsKeyArn"])
def msk_has_own_key(cluster: Resource) -> Verdict:
    return passes_if(cluster.has("encryptionInfo.encryptionAtRestKmsKeyArn"), "there is no key")


@queue_encrypted
@applies_to("azure-native:servicebus:Namespace", "azure-native:eventhub:Namespace", reads=[KEY_SOURCE])
def azure_namespace_has_own_key(namespace: Resource) -> Verdict:
    return key_is_in_vault(namespace)


@queue_encrypted
@applies_to("gcp:pubsub/topic:Topic", reads=["kmsKeyName"])
def pubsub_has_own_key(topic: Resource) -> Verdict:
    return passes_if(topic.has("kmsKeyName"), "kmsKeyName is not set")


log_key = control(
    "ENC-014",
    title="Logs are encrypted with a key of one's own",
    severity=MEDIUM,
    maps={**OWN_KEY, "iso27001": ["A.8.15", "A.8.24"], "pci_dss": ["10.3.1"]},
    remedy="Name a customer-managed key whose policy lets the log service use it.",
    link="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
)


@log_key
@applies_to("aws:cloudwatch/logGroup:LogGroup", "aws:cloudtrail/trail:Trail", reads=["kmsKeyId"])
def aws_log_has_own_key(log: Resource) -> Verdict:
    return has_own_key(log, "kmsKeyId")
