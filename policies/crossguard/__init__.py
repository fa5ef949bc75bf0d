"""The packs behind Pulumi's own protocol for policies.

The SDK runs policies one by one and gives each its own copy of the properties; here one analyzer answers for all
controls, reads a resource once, and still names each violation after its control.
"""

from policies.crossguard.pack import Pack, run

__all__ = ["Pack", "run"]
