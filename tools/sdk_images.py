"""demisto-sdk, told what it would otherwise ask the network: `python -m tools.sdk_images <command> ...`.

The linter has to know the Python of each image. The tag of most of ours says it; the others stand here, from the public
recipes of the images.
"""

from __future__ import annotations

import importlib
import runpy
import sys
from typing import Any

PYTHON_OF_IMAGE = {"demisto/py3-tools": {"1.0.0.114656": "3.11.10"}}


def metadata() -> dict[str, Any]:
    """The table in the form that the SDK downloads.

    The SDK looks an image up without its owner, or with it when it put a registry in front.
    """
    found: dict[str, dict[str, dict[str, str]]] = {}
    for name, tags in PYTHON_OF_IMAGE.items():
        versions = {tag: {"python_version": version} for tag, version in tags.items()}
        found |= {name: versions, name.rpartition("/")[2]: versions}
    return {"docker_images": found}


def main() -> None:
    """Runs the SDK with its own arguments; ends as it ends."""
    known: Any = importlib.import_module("demisto_sdk.commands.common.docker_images_metadata").DockerImagesMetadata
    known.get_instance_from = classmethod(lambda cls, *args, **options: cls.parse_obj(metadata()))
    sys.argv[0] = "demisto-sdk"
    runpy.run_module("demisto_sdk", run_name="__main__")


if __name__ == "__main__":
    main()
