"""The private mesh: redundant VPN tunnels between every two networks."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

import pulumi

from components.common import Cloud, child_of
from components.interconnect import plan
from components.interconnect.aws import AwsConnection, AwsHub, AwsSite, AwsTunnelEnd
from components.interconnect.azure import AzureConnection, AzureHub, AzureSite
from components.interconnect.gcp import GcpConnection, GcpHub, GcpSite, GcpTunnelEnd
from components.interconnect.names import AwsAsker, GcpAsker, MeshNames, MeshNamesArgs
from components.network.plan import InvalidNetwork, check_disjoint


class NoSharedSecret(ValueError):
    """Azure and Google Cloud are joined without AWS, and `shared_secret` is missing."""


@dataclass(frozen=True, kw_only=True)
class MeshArgs:
    """The networks to join, two or three of them."""

    aws: AwsSite | None = None
    azure: AzureSite | None = None
    gcp: GcpSite | None = None
    shared_secret: pulumi.Input[str] | None = None
    """Seed of the keys between Azure and Google Cloud; needed only without AWS, which otherwise generates the seed."""


class Mesh(pulumi.ComponentResource):
    """Site-to-site VPN with BGP between the clouds in use, and DNS forwarding for private names."""

    def __init__(self, name: str, args: MeshArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:interconnect:Mesh", name, None, opts)
        self._name, self._args = name, args
        self._child = child_of(self, opts)
        cidrs = {
            cloud: site.cidr
            for cloud, site in (("aws", args.aws), ("azure", args.azure), ("gcp", args.gcp))
            if site is not None
        }
        check_disjoint(cidrs)
        if len(cidrs) < 2:
            raise InvalidNetwork(f"a mesh of {', '.join(cidrs) or 'nothing'}: two or three clouds are needed")
        if args.aws is None and args.shared_secret is None:
            raise NoSharedSecret("azure and gcp are joined without aws: shared_secret is needed, as a secret setting")
        self._aws = self._create_aws_hub(cidrs)
        self._azure = self._create_azure_hub()
        self._gcp = GcpHub(f"{name}-gcp", args.gcp, self._child) if args.gcp else None
        from_azure = self._join_aws_and_azure()
        from_gcp = self._join_aws_and_gcp()
        self._join_gcp_and_azure([*from_azure, *from_gcp])
        self._share_names()
        self.register_outputs({"joined": sorted(cidrs)})

    def _share_names(self) -> None:
        aws, azure, gcp = self._args.aws, self._args.azure, self._args.gcp
        if azure is None or azure.names is None:
            return
        args = MeshNamesArgs(
            azure=azure.names,
            tags=azure.tags,
            aws=AwsAsker(vpc_id=aws.vpc_id, subnet_ids=aws.subnet_ids) if aws else None,
            gcp=GcpAsker(project=gcp.project, network_id=gcp.network_id) if gcp else None,
        )
        MeshNames(f"{self._name}-names", args, self._child)

    def _create_aws_hub(self, cidrs: dict[str, str]) -> AwsHub | None:
        if self._args.aws is None:
            return None
        peers = {cloud: cidr for cloud, cidr in cidrs.items() if cloud != "aws"}
        return AwsHub(f"{self._name}-aws", self._args.aws, peers, self._child)

    def _create_azure_hub(self) -> AzureHub | None:
        if self._args.azure is None:
            return None
        tunnels = [
            *(plan.aws_azure() if self._args.aws else []),
            *(plan.gcp_azure() if self._args.gcp else []),
        ]
        return AzureHub(f"{self._name}-azure", self._args.azure, tunnels, self._child)

    def _join_aws_and_azure(self) -> list[AwsTunnelEnd]:
        if not (self._args.aws and self._aws and self._args.azure and self._azure):
            return []
        ends = self._connect_aws(self._args.aws, self._aws, "azure", self._azure.addresses, plan.aws_azure())
        for end in ends:
            AzureConnection(
                f"{self._name}-{end.tunnel.key}",
                self._azure,
                self._args.azure,
                "aws",
                end.tunnel,
                end.address,
                end.key,
                self._child,
            )
        return ends

    def _join_aws_and_gcp(self) -> list[AwsTunnelEnd]:
        if not (self._args.aws and self._aws and self._args.gcp and self._gcp):
            return []
        ends = self._connect_aws(self._args.aws, self._aws, "gcp", self._gcp.addresses, plan.aws_gcp())
        GcpConnection(
            f"{self._name}-gcp-aws",
            self._gcp,
            self._args.gcp,
            "aws",
            [
                GcpTunnelEnd(
                    key=f"{end.tunnel.gateway}{end.tunnel.number}",
                    interface=end.tunnel.gateway,
                    own=end.tunnel.far_interface,
                    peer=end.tunnel.near_address,
                    peer_address=end.address,
                    secret=end.key,
                )
                for end in ends
            ],
            self._child,
        )
        return ends

    def _connect_aws(
        self,
        site: AwsSite,
        hub: AwsHub,
        peer: Cloud,
        addresses: list[pulumi.Output[str]],
        tunnels: list[plan.Tunnel],
    ) -> list[AwsTunnelEnd]:
        """Create a connection for each gateway of the peer."""
        return [
            end
            for number, address in enumerate(addresses)
            for end in AwsConnection(
                f"{self._name}-aws-{peer}-{number}",
                site,
                hub,
                peer,
                address,
                [tunnel for tunnel in tunnels if tunnel.gateway == number],
                self._child,
            ).ends
        ]

    def _join_gcp_and_azure(self, aws_ends: list[AwsTunnelEnd]) -> None:
        if not (self._args.azure and self._azure and self._args.gcp and self._gcp):
            return
        # Neither side generates a key, so derive it from a key of AWS, or from `shared_secret`.
        seed = self._args.shared_secret if self._args.shared_secret is not None else aws_ends[0].key
        tunnels = plan.gcp_azure()
        keys = {tunnel.key: derive_key(seed, tunnel.key) for tunnel in tunnels}
        GcpConnection(
            f"{self._name}-gcp-azure",
            self._gcp,
            self._args.gcp,
            "azure",
            [
                GcpTunnelEnd(
                    key=str(tunnel.gateway),
                    interface=tunnel.gateway,
                    own=tunnel.near_interface,
                    peer=tunnel.far_address,
                    peer_address=self._azure.addresses[tunnel.gateway],
                    secret=keys[tunnel.key],
                )
                for tunnel in tunnels
            ],
            self._child,
        )
        for tunnel in tunnels:
            AzureConnection(
                f"{self._name}-{tunnel.key}",
                self._azure,
                self._args.azure,
                "gcp",
                tunnel,
                self._gcp.addresses[tunnel.gateway],
                keys[tunnel.key],
                self._child,
            )


def derive_key(seed: pulumi.Input[str], purpose: str) -> pulumi.Output[str]:
    """Derive a separate pre-shared key for each purpose from one secret; a key reveals neither seed nor other keys."""
    text: pulumi.Output[str] = pulumi.Output.secret(seed)
    return pulumi.Output.secret(text.apply(lambda value: derive_key_text(value, purpose)))


def derive_key_text(seed: str | None, purpose: str) -> str:
    """Return 64 hexadecimal digits, an alphabet that all three clouds accept."""
    return hmac.new((seed or "").encode(), purpose.encode(), hashlib.sha256).hexdigest()
