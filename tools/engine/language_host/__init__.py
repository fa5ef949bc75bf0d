"""A Python language host for the Pulumi engine: runs programs, policy packs and dynamic providers.

The engine's modules do not hold one; `pulumi-language-python` in the engine's bin folder starts this.
"""
