"""Disks, file systems and buckets."""

from __future__ import annotations

from policies import (
    HIGH,
    MEDIUM,
    PASS,
    Resource,
    Stack,
    Verdict,
    View,
    applies_to,
    fails,
    fixed_by,
    in_stack,
    in_turn,
    not_applicable,
    passes_if,
    sets,
)
from policies.clouds.common_settings import ENCRYPTION, parts
from policies.clouds.data_stores import S3_BUCKET
from policies.controls.encryption_at_rest import KEY_SOURCE, OWN_KEY, STORED, control, has_own_key, key_is_in_vault
from policies.property_checks import ON, SET, Property, check_properties

DISKS = {**STORED, "pci_dss": ["3.5.1.2"]}
"""PCI DSS takes the encryption of a whole disk for support only."""

disk_encrypted = control(
    "ENC-003",
    title="Disks of machines are encrypted",
    severity=HIGH,
    maps=DISKS,
    remedy="Turn encryption on for every volume, in Azure at the host.",
)


@disk_encrypted
@applies_to(
    "aws:ec2/instance:Instance",
    "aws:ec2/launchConfiguration:LaunchConfiguration",
    reads=["rootBlockDevice.encrypted", "ebsBlockDevices.encrypted"],
)
@fixed_by(in_turn(sets("rootBlockDevice.encrypted", True), sets("ebsBlockDevices[].encrypted", True)), replaces=True)
def ec2_disks_are_encrypted(machine: Resource) -> Verdict:
    if not machine.flag("rootBlockDevice.encrypted"):
        return fails("the root disk is not encrypted")
    return passes_if(
        all(disk.flag("encrypted") for disk in machine.objects("ebsBlockDevices")), "a disk is not encrypted"
    )


@disk_encrypted
@applies_to("aws:ec2/launchTemplate:LaunchTemplate", reads=["blockDeviceMappings.ebs.encrypted"])
@fixed_by(sets("blockDeviceMappings[].ebs[].encrypted", "true"))
def launched_disks_are_encrypted(template: Resource) -> Verdict:
    disks = template.objects("blockDeviceMappings.ebs")
    if not disks:
        return fails("no disk is said to be encrypted")
    return passes_if(all(disk.flag("encrypted") for disk in disks), "a disk is not encrypted")


disk_encrypted_properties = check_properties(
    disk_encrypted,
    Property("aws:ebs/volume:Volume", "encrypted", ON, fix=True, replaces=True),
    Property("azure-native:compute:VirtualMachine", "securityProfile.encryptionAtHost", ON),
    Property(
        "azure-native:compute:VirtualMachineScaleSet", "virtualMachineProfile.securityProfile.encryptionAtHost", ON
    ),
    Property("azure-native:containerservice:AgentPool", "enableEncryptionAtHost", ON),
)


@disk_encrypted
@applies_to("azure-native:containerservice:ManagedCluster", reads=["agentPoolProfiles.enableEncryptionAtHost"])
def first_aks_nodes_encrypt_at_host(cluster: Resource) -> Verdict:
    pools = cluster.objects("agentPoolProfiles")
    return passes_if(all(pool.flag("enableEncryptionAtHost") for pool in pools), "a pool does not encrypt at its hosts")


default_encryption = control(
    "ENC-004",
    title="New disks are encrypted by default",
    severity=HIGH,
    maps={**STORED, "gdpr": ["Art. 25(2)", "Art. 32(1)(a)"]},
    remedy="Keep the account's default for disk encryption on.",
    link="https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html",
)


default_encryption_properties = check_properties(
    default_encryption,
    Property("aws:ebs/encryptionByDefault:EncryptionByDefault", "enabled", ON, absent=True, fix=True),
)


bucket_key = control(
    "ENC-005",
    title="Object storage is encrypted with a key of one's own",
    severity=MEDIUM,
    maps=OWN_KEY,
    remedy="Encrypt with a customer-managed key by default; without it objects have the provider's encryption only.",
)

KMS = ("aws:kms", "aws:kms:dsse")
_DEFAULT = "applyServerSideEncryptionByDefault"
_ALGORITHM, _KEY = "sseAlgorithm", "kmsMasterKeyId"
TAKES_ACCESS_LOGS = not_applicable("it takes access logs, which S3 delivers only where its own keys encrypt them")
"""Amazon S3 User Guide, Enabling Amazon S3 server access logging: SSE-KMS is not supported by default."""


@bucket_key
@in_stack(S3_BUCKET, reads=["bucket", *(f"{ENCRYPTION}.{_DEFAULT}.{name}" for name in (_ALGORITHM, _KEY))])
def bucket_uses_kms(bucket: Resource, stack: Stack) -> Verdict:
    kind = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    rules = parts(bucket, ENCRYPTION)
    for companion in stack.companions(bucket, kind, by="bucket"):
        rules += companion.objects("rules")
    if any(map(_with_own_key, rules)):
        return PASS
    if stack.companions(bucket, "aws:s3/bucketLogging:BucketLogging", by="targetBucket"):
        return TAKES_ACCESS_LOGS
    return fails("objects have no key of one's own by default")


def _with_own_key(rule: View) -> bool:
    """Tell whether a rule names a key; KMS without one means the key of AWS."""
    defaults = parts(rule, _DEFAULT)
    return any(default.text(_ALGORITHM) in KMS and has_own_key(default, _KEY) is PASS for default in defaults)


@bucket_key
@applies_to("azure-native:storage:StorageAccount", reads=[KEY_SOURCE])
def storage_account_has_own_key(account: Resource) -> Verdict:
    return key_is_in_vault(account)


bucket_key_properties = check_properties(
    bucket_key,
    Property("gcp:storage/bucket:Bucket", "encryption.defaultKmsKeyName", SET, found="there is no default key"),
)


file_system_encrypted = control(
    "ENC-009",
    title="Shared file systems are encrypted",
    severity=HIGH,
    maps=STORED,
    remedy="Turn encryption on, in Azure and GCP with a customer-managed key; AWS and GCP only when it is made.",
)


@file_system_encrypted
@applies_to("azure-native:netapp:Account", reads=[KEY_SOURCE])
def netapp_has_own_key(account: Resource) -> Verdict:
    return key_is_in_vault(account)


file_system_encrypted_properties = check_properties(
    file_system_encrypted,
    Property("aws:efs/fileSystem:FileSystem", "encrypted", ON, fix=True, replaces=True),
    Property("gcp:filestore/instance:Instance", "kmsKeyName", SET),
)


disk_key = control(
    "ENC-013",
    title="Disks are encrypted with a key of one's own",
    severity=MEDIUM,
    maps={**OWN_KEY, "pci_dss": ["3.5.1.2", "3.6.1"]},
    remedy="Name a customer-managed key, in Azure a disk encryption set.",
)


disk_key_properties = check_properties(
    disk_key,
    Property("aws:ebs/volume:Volume", "kmsKeyId", has_own_key),
    Property("azure-native:compute:Disk", "encryption.diskEncryptionSetId", SET),
    Property("gcp:compute/disk:Disk", "diskEncryptionKey.kmsKeySelfLink", SET, name="diskEncryptionKey"),
    Property("gcp:compute/instance:Instance", "bootDisk.kmsKeySelfLink", SET, found="the boot disk has no key"),
)
