"""Queues, topics, streams and logs."""

from __future__ import annotations

from policies import MEDIUM, PASS, Resource, Verdict, applies_to, fixed_by, in_turn, passes_if, sets
from policies.controls.encryption_at_rest import KEY_SOURCE, OWN_KEY, STORED, control, has_own_key, key_is_in_vault
from policies.property_checks import SET, Property, check_properties

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
@applies_to("aws:kinesis/stream:Stream", reads=["encryptionType"])
@fixed_by(in_turn(sets("encryptionType", "KMS"), sets("kmsKeyId", "alias/aws/kinesis")))
def kinesis_is_encrypted(stream: Resource) -> Verdict:
    kind = stream.text("encryptionType", "NONE")
    return passes_if(kind == "KMS", f"encryptionType is {kind}")


@queue_encrypted
@applies_to("azure-native:servicebus:Namespace", "azure-native:eventhub:Namespace", reads=[KEY_SOURCE])
def azure_namespace_has_own_key(namespace: Resource) -> Verdict:
    return key_is_in_vault(namespace)


queue_encrypted_properties = check_properties(
    queue_encrypted,
    # No fix: alarms, buckets and events cannot publish to a topic with the key of AWS, and nobody would notice.
    Property("aws:sns/topic:Topic", "kmsMasterKeyId", SET),
    Property("aws:msk/cluster:Cluster", "encryptionInfo.encryptionAtRestKmsKeyArn", SET, found="there is no key"),
    Property("gcp:pubsub/topic:Topic", "kmsKeyName", SET),
)


log_key = control(
    "ENC-014",
    title="Logs are encrypted with a key of one's own",
    severity=MEDIUM,
    maps={**OWN_KEY, "iso27001": ["A.8.15", "A.8.24"], "pci_dss": ["10.3.1"]},
    remedy="Name a customer-managed key whose policy lets the log service use it.",
    link="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
)


log_key_properties = check_properties(
    log_key,
    Property(("aws:cloudwatch/logGroup:LogGroup", "aws:cloudtrail/trail:Trail"), "kmsKeyId", has_own_key),
)
