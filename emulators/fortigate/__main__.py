"""`python -m emulators.fortigate`"""

import sys

from emulators.fortigate import main

if __name__ == "__main__":
    sys.exit(main())
