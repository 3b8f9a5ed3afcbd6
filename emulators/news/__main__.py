"""`python -m emulators.news`"""

import sys

from emulators.news import main

if __name__ == "__main__":
    sys.exit(main())
