"""`python -m localcloud.provider <package> [engine address]`: what the launchers run."""

import os
import sys

# Bodies start programs under another account, which Python does by fork: gRPC's own handlers for that crash the child
# while calls are under way. Nothing here uses gRPC after a fork.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

from localcloud.provider.process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
