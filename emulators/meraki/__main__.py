"""`python -m emulators.meraki`"""

import sys

from emulators.meraki import main

if __name__ == "__main__":
    sys.exit(main())
