from __future__ import annotations

import re

import yaml

from tools import sdk_images, unified
from tools.sdk import ROOT


def images() -> set[str]:
    """The images of all integrations and scripts."""
    found = set()
    for folder in unified.items(ROOT / "Packs"):
        for path in folder.glob("*.yml"):
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
            found.add(str(document.get("dockerimage") or document["script"]["dockerimage"]))
    return found


def test_python_is_known_of_every_image_whose_tag_does_not_tell() -> None:
    known = sdk_images.metadata()["docker_images"]
    for image in images():
        name, _, tag = image.partition(":")
        if not re.match(r"demisto/python3?:3\.\d+", image):
            assert known[name][tag] == known[name.rpartition("/")[2]][tag]


def test_every_image_in_the_table_is_used() -> None:
    listed = {f"{name}:{tag}" for name, tags in sdk_images.PYTHON_OF_IMAGE.items() for tag in tags}
    assert listed <= images()
