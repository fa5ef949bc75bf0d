"""A pod as it is stored: whose it is, what it runs, where, and whether services send to it."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Any

from localcloud.emulator import Properties
from localcloud.kubernetes.cluster import BUILT_IN_ACCOUNT, DEFAULT_NAMESPACE, Cluster, Key, Manifest

PENDING, RUNNING, SUCCEEDED, FAILED = "Pending", "Running", "Succeeded", "Failed"
DIGEST_CHARACTERS = 10


@dataclass(frozen=True)
class Pod:
    """One pod of a cluster, as it is stored."""

    cluster: Cluster
    manifest: Manifest

    @classmethod
    def drafted(cls, cluster: Cluster, owner: Manifest, template: Properties, suffix: str) -> Pod:
        """The pod that `owner` wants from its template, not started: the stored one where there is one."""
        key = Key.of(owner)
        name = f"{key.name}-{suffix}"
        stored = cluster.get("Pod", key.namespace, name)
        if stored is not None:
            return cls(cluster, stored)
        metadata = template.get("metadata") or {}
        manifest: Manifest = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": key.namespace,
                "uid": str(uuid.uuid4()),
                "labels": metadata.get("labels") or {},
                "annotations": metadata.get("annotations") or {},
                "ownerReferences": [{"kind": key.kind, "name": key.name}],
            },
            "spec": template["spec"],
            "status": {"phase": PENDING},
        }
        return cls(cluster, manifest)

    @classmethod
    def owned_by(cls, cluster: Cluster, owner: Key) -> list[Pod]:
        """The stored pods of a Deployment or Job."""
        reference = {"kind": owner.kind, "name": owner.name}
        pods = [cls(cluster, manifest) for manifest in cluster.list("Pod", owner.namespace)]
        return [pod for pod in pods if reference in pod.manifest["metadata"]["ownerReferences"]]

    @property
    def key(self) -> Key:
        """Where it is stored."""
        return Key.of(self.manifest)

    @property
    def name(self) -> str:
        """Its name within the namespace."""
        return self.key.name

    @property
    def namespace(self) -> str:
        """The namespace it lives in."""
        return self.key.namespace or DEFAULT_NAMESPACE

    @property
    def spec(self) -> Properties:
        """What it runs."""
        spec: Properties = self.manifest["spec"]
        return spec

    @property
    def status(self) -> Properties:
        """What the cluster says of it."""
        status: Properties = self.manifest["status"]
        return status

    @property
    def address(self) -> str:
        """Its IP address, empty before it has one."""
        return str(self.status.get("podIP") or "")

    @property
    def serving(self) -> bool:
        """Whether services send requests to it."""
        return bool(self.status.get("serving"))

    @property
    def programs(self) -> list[str]:
        """The names of its processes under the supervisor."""
        return [self.program(container["name"]) for container in self.spec["containers"]]

    def program(self, container: str) -> str:
        """The name of one container's process."""
        return f"pod.{self.cluster.name}.{self.namespace}.{self.name}.{container}"

    @property
    def service_account(self) -> str:
        """The account it runs under."""
        return self.spec.get("serviceAccountName") or self.spec.get("serviceAccount") or BUILT_IN_ACCOUNT

    def with_status(self, **changes: Any) -> Pod:
        """The pod with a changed status, stored."""
        changed = Pod(self.cluster, {**self.manifest, "status": {**self.status, **changes}})
        self.cluster.put(changed.manifest)
        return changed


def digest_of(template: Properties) -> str:
    """Tells one pod template from another."""
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:DIGEST_CHARACTERS]
