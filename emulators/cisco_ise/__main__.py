"""`python -m emulators.cisco_ise`"""

import sys

from emulators.cisco_ise import main

if __name__ == "__main__":
    sys.exit(main())
