"""`python -m emulators.vectra`"""

import sys

from emulators.vectra import main

if __name__ == "__main__":
    sys.exit(main())
