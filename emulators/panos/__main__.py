"""`python -m emulators.panos`"""

import sys

from emulators.panos import main

if __name__ == "__main__":
    sys.exit(main())
