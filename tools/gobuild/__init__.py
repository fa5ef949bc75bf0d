"""Programs that exist here as pinned Go modules: built once per machine, kept in a cache that a checksum guards."""

from tools.gobuild.build import BuildFailed, Program, pinned_version
from tools.gobuild.cache import Cache, Entry
from tools.gobuild.progress import Progress
from tools.gobuild.toolchain import GoToolchain, NoGoToolchain, find_go

__all__ = [
    "BuildFailed",
    "Cache",
    "Entry",
    "GoToolchain",
    "NoGoToolchain",
    "Program",
    "Progress",
    "find_go",
    "pinned_version",
]
