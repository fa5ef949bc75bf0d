"""Kubernetes objects as resources: what all kinds have in common, and the kinds that are only stored."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from localcloud.body import BodyError, Made, Properties, Resource
from localcloud.home import Home, NoFreeAddress
from localcloud.interruption import heeding
from localcloud.kubernetes.cluster import Cluster, Key, Manifest, completed
from localcloud.supervision import SupervisionError


class ObjectBody:
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

    # -- the protocol of bodies --------------------------------------------------------------------------------------

    def create(self, home: Home, resource: Resource) -> Made:
        """See Body."""
        cluster = Cluster.of(home, resource.provider)
        manifest = self._apply(cluster, resource)
        return Made(self._identity(cluster, manifest), self._outputs(cluster, manifest))

    def read(self, home: Home, identity: str, state: Properties) -> Properties | None:
        """See Body."""
        cluster, key = self._find(home, identity)
        manifest = cluster.get(key.kind, key.namespace, key.name)
        if manifest is None:
            return None
        observed = self.observe(cluster, manifest)
        return None if observed is None else {**state, **manifest, **observed}

    def update(self, home: Home, identity: str, old: Properties, resource: Resource) -> Properties:  # noqa: ARG002
        """See Body."""
        cluster = Cluster.of(home, resource.provider)
        return self._outputs(cluster, self._apply(cluster, resource, identity))

    def delete(self, home: Home, identity: str, state: Properties) -> None:  # noqa: ARG002
        """See Body."""
        cluster, key = self._find(home, identity)
        manifest = cluster.get(key.kind, key.namespace, key.name)
        if manifest is not None:
            with plainly_told(key):
                self.withdraw(cluster, manifest)
        cluster.remove(key)
        with contextlib.suppress(BodyError, SupervisionError):
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

    def _find(self, home: Home, identity: str) -> tuple[Cluster, Key]:
        shape = "cluster/namespace/name" if self.namespaced else "cluster/name"
        parts = identity.split("/")
        if len(parts) != shape.count("/") + 1 or not all(parts):
            raise BodyError(f"{identity!r} is not the id of a {self.kind}: expected {shape}")
        cluster, *namespace, name = parts
        return Cluster(home, cluster), Key(self.kind, namespace[0] if namespace else None, name)


@contextlib.contextmanager
def plainly_told(key: Key) -> Iterator[None]:
    """Let what goes wrong with the machine's processes and addresses name the object it hit."""
    place = f"{key.kind} {key.namespace}/{key.name}" if key.namespace else f"{key.kind} {key.name}"
    try:
        yield
    except (SupervisionError, NoFreeAddress) as problem:
        raise BodyError(f"{place}: {problem}") from problem
    except BodyError as problem:
        raise BodyError(f"{place}: {problem}") from problem


class ServiceAccountBody(ObjectBody):
    """Stored; pods name it, and get the client certificate of its name."""

    kind = "ServiceAccount"


class GatewayClassBody(ObjectBody):
    """Stored; every class is served by Envoy here."""

    kind = "GatewayClass"
    namespaced = False
