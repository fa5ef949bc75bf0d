"""What gateways are made of and serve: a change of one of these objects is a change of what they do."""

from __future__ import annotations

from localcloud.emulator import EmulatorError, Properties
from localcloud.identity import Authority
from localcloud.kubernetes import gateways, kubelet, ports
from localcloud.kubernetes.cluster import Cluster, Key, Manifest
from localcloud.kubernetes.envoy import GATEWAY_ADDRESS
from localcloud.kubernetes.objects import ObjectEmulator
from localcloud.kubernetes.pods import Pod
from localcloud.kubernetes.routes import backends, virtual_hosts
from localcloud.supervision import Supervisor


class GatewayEmulator(ObjectEmulator):
    """An Envoy that listens on this machine's loopback address.

    Each of its ports is the same port of the machine where that can be had, else the first free one from 8000 more,
    and stays that: `status.localcloud.urls` says where each listener is found.
    """

    kind = "Gateway"

    def apply(self, cluster: Cluster, manifest: Manifest) -> None:
        """Store it, and let Envoy serve it."""
        gateways.listeners(manifest)
        key = Key.of(manifest)
        is_new = cluster.get(key.kind, key.namespace, key.name) is None
        with cluster.lock("gateways"), cluster.tentatively(manifest):
            try:
                gateways.serve(cluster, manifest)
            except BaseException:
                if is_new:
                    close(cluster, key)
                raise

    def withdraw(self, cluster: Cluster, manifest: Manifest) -> None:
        """Stop its Envoy and give its ports back."""
        with cluster.lock("gateways"):
            close(cluster, Key.of(manifest))
            cluster.remove(Key.of(manifest))

    def observe(self, cluster: Cluster, manifest: Manifest) -> Properties:
        """Where it listens, and whether it really does."""
        view = gateways.proxy_of(cluster, Key.of(manifest)).view()
        wanted = {each.group for each in gateways.listeners(manifest)}
        programmed = view is not None and wanted <= set(view.listeners)
        urls = gateways.urls(cluster, manifest)
        return {
            "status": {
                "addresses": [{"type": "IPAddress", "value": GATEWAY_ADDRESS}],
                "conditions": [
                    {"type": "Accepted", "status": "True"},
                    {"type": "Programmed", "status": "True" if programmed else "False"},
                ],
                "localcloud": {"url": gateways.main_url(urls), "urls": urls},
            }
        }


class HttpRouteEmulator(ObjectEmulator):
    """In effect at every gateway that it names as soon as it is made or changed."""

    kind = "HTTPRoute"

    def apply(self, cluster: Cluster, manifest: Manifest) -> None:
        """Store it, and let gateways take it over."""
        backends(manifest)
        virtual_hosts([(manifest, ["*"])], {})
        with cluster.lock("gateways"), cluster.tentatively(manifest):
            gateways.serve_all(cluster)

    def withdrawn(self, cluster: Cluster) -> None:
        """Let gateways forget it."""
        gateways.refresh(cluster)

    def observe(self, cluster: Cluster, manifest: Manifest) -> Properties:  # noqa: ARG002
        """Accepted by each of its parents."""
        accepted = [{"type": "Accepted", "status": "True"}]
        parents = manifest["spec"].get("parentRefs") or ()
        return {"status": {"parents": [{"parentRef": each, "conditions": accepted} for each in parents]}}


class ServiceEmulator(ObjectEmulator):
    """Selects the pods that gateways send to; it has no address of its own here."""

    kind = "Service"

    def apply(self, cluster: Cluster, manifest: Manifest) -> None:
        """Store it, and let gateways send to its pods."""
        with cluster.lock("gateways"), cluster.tentatively(manifest):
            gateways.serve_all(cluster)

    def withdrawn(self, cluster: Cluster) -> None:
        """Let gateways send nothing more."""
        gateways.refresh(cluster)


class ConfigMapEmulator(ObjectEmulator):
    """Its changes reach the files of running pods, and no environment variable: nothing is restarted."""

    kind = "ConfigMap"

    def apply(self, cluster: Cluster, manifest: Manifest) -> None:
        """Store it, and show it to the pods that mount it."""
        with cluster.tentatively(manifest):
            kubelet.show_changed(cluster, Key.of(manifest))


class SecretEmulator(ConfigMapEmulator):
    """As a ConfigMap; a certificate's is also taken over by the gateways that listen with it."""

    kind = "Secret"

    def apply(self, cluster: Cluster, manifest: Manifest) -> None:
        """Store it, and show it to pods and gateways."""
        super().apply(cluster, manifest)
        gateways.refresh(cluster)


class CertificateEmulator(ObjectEmulator):
    """cert-manager's: a certificate of the sandbox's own authority, whatever issuer it names."""

    kind = "Certificate"

    def apply(self, cluster: Cluster, manifest: Manifest) -> None:
        """Issue it into its Secret."""
        spec, key = manifest["spec"], Key.of(manifest)
        names = [*(spec.get("dnsNames") or ()), *(spec.get("ipAddresses") or ())]
        if not names:
            raise EmulatorError("spec.dnsNames or spec.ipAddresses must name what the certificate is for")
        authority = Authority.of(cluster.sandbox)
        pair = authority.server_certificate(cluster.folder(key), names, None)
        contents = {
            "tls.crt": pair.certificate.read_text(),
            "tls.key": pair.key.read_text(),
            "ca.crt": authority.ca_certificate.read_text(),
        }
        metadata = {"name": spec["secretName"], "namespace": key.namespace, "ownerReferences": [_reference(key)]}
        secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls"}
        SecretEmulator().apply(cluster, {**secret, "metadata": metadata, "stringData": contents})
        cluster.put(manifest)

    def withdraw(self, cluster: Cluster, manifest: Manifest) -> None:
        """Take its Secret along, if nobody has put another one in its place."""
        key = Key.of(manifest)
        secret = cluster.get("Secret", key.namespace, manifest["spec"]["secretName"])
        if secret and _reference(key) in (secret["metadata"].get("ownerReferences") or ()):
            cluster.remove(Key.of(secret))
            gateways.refresh(cluster)

    def observe(self, cluster: Cluster, manifest: Manifest) -> Properties:
        """Ready as long as its Secret is there."""
        issued = cluster.secret(Key.of(manifest).namespace or "", manifest["spec"]["secretName"]) is not None
        return {"status": {"conditions": [{"type": "Ready", "status": "True" if issued else "False"}]}}


class NamespaceEmulator(ObjectEmulator):
    """Takes all that is in it along when it goes."""

    kind = "Namespace"
    namespaced = False

    def withdraw(self, cluster: Cluster, manifest: Manifest) -> None:
        """Stop what still runs in it, also what no object tells of any more, and forget its objects."""
        name = Key.of(manifest).name
        kubelet.stop(Pod(cluster, each) for each in cluster.list("Pod", name))
        with cluster.lock("gateways"):
            for gateway in cluster.list("Gateway", name):
                close(cluster, Key.of(gateway))
            supervisor = Supervisor(cluster.sandbox)
            for state in supervisor.states():
                if state.name.startswith((f"pod.{cluster.name}.{name}.", f"gateway.{cluster.name}.{name}.")):
                    supervisor.remove(state.name)
            cluster.clear(name)


def close(cluster: Cluster, gateway: Key) -> None:
    """Stop a gateway's Envoy and give its ports back."""
    gateways.proxy_of(cluster, gateway).stop()
    ports.release(cluster.sandbox, gateways.owner(cluster, gateway))


def _reference(certificate: Key) -> Properties:
    return {"apiVersion": "cert-manager.io/v1", "kind": certificate.kind, "name": certificate.name}
