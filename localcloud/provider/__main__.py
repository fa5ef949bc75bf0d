"""`python -m localcloud.provider <package> [engine address]`: what the launchers run."""

import sys

from localcloud.provider.process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
