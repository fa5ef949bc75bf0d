"""The private mesh between the networks of the clouds."""

from components.interconnect.aws import AwsSite
from components.interconnect.azure import AzureSite
from components.interconnect.gcp import GcpSite
from components.interconnect.mesh import Mesh, MeshArgs, NoSharedSecret
from components.interconnect.names import AzureNames

__all__ = [
    "AwsSite",
    "AzureNames",
    "AzureSite",
    "GcpSite",
    "Mesh",
    "MeshArgs",
    "NoSharedSecret",
]
