"""`python -m emulators.cortex_xdr`"""

import sys

from emulators.cortex_xdr.emulator import CortexXdr
from emulators.cortex_xdr.options import XdrOptions
from emulators.kit import main

if __name__ == "__main__":
    sys.exit(main(CortexXdr, XdrOptions, "emulators.cortex_xdr"))
