"""`python -m emulators.fortimanager`"""

import sys

from emulators.fortimanager import main

if __name__ == "__main__":
    sys.exit(main())
