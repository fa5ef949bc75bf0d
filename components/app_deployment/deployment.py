"""The app on one cluster, whole."""

from __future__ import annotations

import pulumi

from components.app_deployment.access import AppAccess
from components.app_deployment.configuration import AppConfiguration
from components.app_deployment.ingress import AppIngress
from components.app_deployment.migration import AppMigration
from components.app_deployment.network import AppNetworkPolicies
from components.app_deployment.settings import AppDeploymentArgs
from components.app_deployment.track import AppTrack
from components.common import child_of


class AppDeployment(pulumi.ComponentResource):
    """Namespace and access, configuration, migration, then one track of the app behind one ingress.

    Other ways to deliver (two tracks, shifted weights) use the same parts and put other tracks behind the ingress.
    """

    urls: list[str]

    def __init__(self, name: str, args: AppDeploymentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:app_deployment:AppDeployment", name, None, opts)
        access = AppAccess(f"{name}-access", args, child_of(self, opts))
        inside = child_of(self, None, after=[access])
        network = AppNetworkPolicies(f"{name}-network", args, inside)
        configuration = AppConfiguration(f"{name}-configuration", args, inside)
        prepared = child_of(self, None, after=[network, configuration])
        migration = AppMigration(f"{name}-migration", args, prepared)
        migrated = child_of(self, None, after=[migration])
        track = AppTrack(f"{name}-track", args, migrated)
        served = child_of(self, None, after=[track])
        AppIngress(f"{name}-entrance", args, {track.service_name: 1}, served)
        self.urls = [f"https://{hostname}" for hostname in args.entry.hostnames]
        self.register_outputs({"urls": self.urls})
