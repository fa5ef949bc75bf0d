"""Keeps the SDK from costing more than the work it does: each module tells the cost, and how it is avoided."""

from stacks.sdk.debug_messages import drop_debug_messages
from stacks.sdk.lazy_packages import make_lazy
from stacks.sdk.quiescence import settle_outputs

__all__ = ["drop_debug_messages", "make_lazy", "settle_outputs"]
