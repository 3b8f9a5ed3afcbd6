"""Type-checks the code of the packs: `python -m tools.mypy_packs`, in an environment with mypy.

A pack is not a package: its modules find each other, `demistomock` and `CommonServerPython` only on the search path
that the root conftest.py builds for tests and the server for users. This gives mypy the same path.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHIMS = ROOT / "warroom" / "runtime" / "shims"


def module_folders() -> list[Path]:
    return sorted({path.parent for kind in ("Integrations", "Scripts") for path in ROOT.glob(f"Packs/*/{kind}/*/*.py")})


def main() -> int:
    folders = module_folders()
    code = [path for folder in folders for path in sorted(folder.glob("*.py"))]
    if not code:
        print("no pack code")
        return 0
    search_path = os.pathsep.join(str(folder) for folder in (SHIMS, *folders))
    command = [sys.executable, "-m", "mypy", "--config-file", "tools/mypy_packs.ini", *map(str, code)]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "MYPYPATH": search_path}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
