"""Kubernetes objects as resources: what all kinds have in common, and the kinds that are only stored."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from localcloud.emulator import EmulatorError, Made, Properties, Resource
from localcloud.interruption import heeding
from localcloud.kubernetes.cluster import Cluster, Key, Manifest, completed
from localcloud.sandbox import NoFreeAddress, Sandbox
from localcloud.supervisord import SupervisionError


class ObjectEmulator:
    """One kind of object. A kind that does more than be stored overrides `apply`, `withdraw` and `observe`."""

    kind: str
    namespaced = True

    def apply(self, cluster: Cluster, manifest: Manifest) -> None:
        """Make the object what `manifest` says, new or changed, and store it."""
        cluster.put(manifest)

    def withdraw(self, cluster: Cluster, manifest: Manifest) -> None:
        """Undo what `apply` did besides storing; the object is forgotten afterwards."""

    def observe(self, cluster: Cluster, manifest: Manifest) -> Properties | None:  # noqa: ARG002
        """What the object has over and above its inputs right now (its status); None where it is gone in truth."""
        return {}

    # -- the protocol of emulators -------------------------------------------------------------------------------------

    def create(self, sandbox: Sandbox, resource: Resource) -> Made:
        """See Emulator."""
        cluster = Cluster.of(sandbox, resource.provider)
        manifest = self._apply(cluster, resource)
        return Made(self._identity(cluster, manifest), self._outputs(cluster, manifest))

    def read(self, sandbox: Sandbox, identity: str, state: Properties) -> Properties | None:
        """See Emulator."""
        cluster, key = self._find(sandbox, identity)
        manifest = cluster.get(key.kind, key.namespace, key.name)
        if manifest is None:
            return None
        observed = self.observe(cluster, manifest)
        return None if observed is None else {**state, **manifest, **observed}

    def update(self, sandbox: Sandbox, identity: str, old: Properties, resource: Resource) -> Properties:  # noqa: ARG002
        """See Emulator."""
        cluster = Cluster.of(sandbox, resource.provider)
        return self._outputs(cluster, self._apply(cluster, resource, identity))

    def delete(self, sandbox: Sandbox, identity: str, state: Properties) -> None:  # noqa: ARG002
        """See Emulator."""
        cluster, key = self._find(sandbox, identity)
        manifest = cluster.get(key.kind, key.namespace, key.name)
        if manifest is not None:
            with plainly_told(key):
                self.withdraw(cluster, manifest)
        cluster.remove(key)
        with contextlib.suppress(EmulatorError, SupervisionError):
            # It is gone; a gateway that could not be told is found broken when it is next looked at.
            self.withdrawn(cluster)

    def withdrawn(self, cluster: Cluster) -> None:
        """Tell what depended on the object that it is gone."""

    def _apply(self, cluster: Cluster, resource: Resource, identity: str | None = None) -> Manifest:
        draft = completed(resource, self.kind, namespaced=self.namespaced, earlier=None)
        if identity is not None:
            # An object that was given no name keeps the one it has.
            draft["metadata"]["name"] = identity.rpartition("/")[2]
        key = Key.of(draft)
        earlier = cluster.get(key.kind, key.namespace, key.name)
        manifest = completed(resource, self.kind, namespaced=self.namespaced, earlier=earlier or draft)
        with plainly_told(key), heeding(resource.interrupted):
            self.apply(cluster, manifest)
        return manifest

    def _outputs(self, cluster: Cluster, manifest: Manifest) -> Properties:
        return {"metadata": manifest["metadata"], **(self.observe(cluster, manifest) or {})}

    def _identity(self, cluster: Cluster, manifest: Manifest) -> str:
        key = Key.of(manifest)
        return "/".join(part for part in (cluster.name, key.namespace, key.name) if part)

    def _find(self, sandbox: Sandbox, identity: str) -> tuple[Cluster, Key]:
        shape = "cluster/namespace/name" if self.namespaced else "cluster/name"
        parts = identity.split("/")
        if len(parts) != shape.count("/") + 1 or not all(parts):
            raise EmulatorError(f"{identity!r} is not the id of a {self.kind}: expected {shape}")
        cluster, *namespace, name = parts
        return Cluster(sandbox, cluster), Key(self.kind, namespace[0] if namespace else None, name)


@contextlib.contextmanager
def plainly_told(key: Key) -> Iterator[None]:
    """Let what goes wrong with the machine's processes and addresses name the object it hit."""
    place = f"{key.kind} {key.namespace}/{key.name}" if key.namespace else f"{key.kind} {key.name}"
    try:
        yield
    except (SupervisionError, NoFreeAddress) as problem:
        raise EmulatorError(f"{place}: {problem}") from problem
    except EmulatorError as problem:
        raise EmulatorError(f"{place}: {problem}") from problem


class ServiceAccountEmulator(ObjectEmulator):
    """Stored; pods name it, and get the client certificate of its name."""

    kind = "ServiceAccount"


class GatewayClassEmulator(ObjectEmulator):
    """Stored; every class is served by Envoy here."""

    kind = "GatewayClass"
    namespaced = False
