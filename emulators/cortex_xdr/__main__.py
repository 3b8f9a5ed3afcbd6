"""`python -m emulators.cortex_xdr`"""

import sys

from emulators.cortex_xdr import main

if __name__ == "__main__":
    sys.exit(main())
