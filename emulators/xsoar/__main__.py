"""`python -m emulators.xsoar`"""

import sys

from emulators.xsoar import main

if __name__ == "__main__":
    sys.exit(main())
