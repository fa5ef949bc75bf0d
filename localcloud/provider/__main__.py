"""`python -m localcloud.provider <package> [engine address]`: what the launchers run."""

import os
import sys

# Emulators start programs under another account, for which Python forks: gRPC's fork handlers crash the child while
# calls are under way. Nothing here uses gRPC after a fork.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

from localcloud.provider.process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
