"""The keys of persons and the log of erasures: made in the cloud that keeps them, and known to the app."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.engine

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
MEMBER = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember"
KEY = "gcp:kms/cryptoKey:CryptoKey"
BUCKET, LISTS = "gcp:storage/bucket:Bucket", "gcp:storage/bucketIAMMember:BucketIAMMember"


@pytest.mark.parametrize("rehearsed", ["preview-7"], indirect=True)
def test_where_google_is_the_only_cloud_it_keeps_the_key_and_the_log_of_erasures(rehearsed: Any) -> None:
    rehearsed.set("clouds", ["gcp"])
    rehearsed.stack.up()
    named = {(resource["type"], resource["urn"].split("::")[-1]): resource for resource in rehearsed.resources()}
    key = named[KEY, "preview-7-gcp-persons"]["id"]
    [deployment] = [one["outputs"] for (kind, _), one in named.items() if kind == DEPLOYMENT]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    variables = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert variables["FORTRESS_MASTER_KEY"] == f"gcp-kms:{key}"
    log = named[BUCKET, "preview-7-gcp-erasures"]["id"]
    assert variables["FORTRESS_ERASURE_LOG"] == f"gcp-storage:{log}/erasures"
    [writer] = [one["inputs"] for (kind, _), one in named.items() if kind == LISTS]
    assert writer["member"].startswith("serviceAccount:migrator@")
    assert writer["bucket"] == log
    granted = {
        (one["inputs"]["member"].removeprefix("serviceAccount:").split("@")[0], one["inputs"]["role"])
        for (kind, _), one in named.items()
        if kind == MEMBER and one["inputs"]["cryptoKeyId"] == key
    }
    encrypts = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
    assert granted == {("ledger", encrypts), ("migrator", encrypts), ("migrator", "roles/cloudkms.viewer")}
