"""The private mesh between the networks of the clouds."""

from components.interconnect.aws import AwsSite
from components.interconnect.azure import AzureSite
from components.interconnect.gcp import GcpSite
from components.interconnect.mesh import Mesh, MeshArgs
from components.interconnect.names import AwsAsker, AzureNames, GcpAsker, MeshNames, MeshNamesArgs
from components.interconnect.secrets import NoSharedSecret

__all__ = [
    "AwsAsker",
    "AwsSite",
    "AzureNames",
    "AzureSite",
    "GcpAsker",
    "GcpSite",
    "Mesh",
    "MeshArgs",
    "MeshNames",
    "MeshNamesArgs",
    "NoSharedSecret",
]
