"""Where resources are read from when no engine runs the checks: a stack's state, a preview."""

from policies.sources.preview import read_base, read_preview
from policies.sources.state import Unreadable, names_of, read_state

__all__ = ["Unreadable", "names_of", "read_base", "read_preview", "read_state"]
