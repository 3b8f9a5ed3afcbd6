"""The files of a new driver: integration, emulator, conformance adapter and tests, for a product with a block list."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import PurePosixPath
from string import Template

from warroom.cli.scaffolding.interface import as_markdown, as_yml, commands_for

NAME = re.compile(r"[A-Z][A-Za-z0-9]{1,39}")
KINDS = ("host", "detection", "destinations")
IMAGE_WIDTH, IMAGE_HEIGHT = 120, 50
# Template -> where its text goes; names in braces are those of `Names`.
INTEGRATION = {
    "integration.py": "{brand}.py",
    "integration_test.py": "{brand}_test.py",
    "integration.yml": "{brand}.yml",
    "readme.md": "README.md",
    "description.md": "{brand}_description.md",
    "command_examples.txt": "command_examples.txt",
    "entries.json": "test_data/entry.json",
}
EMULATOR = {
    "emulator_init.py": "__init__.py",
    "emulator_main.py": "__main__.py",
    "emulator.py": "emulator.py",
    "emulator_state.py": "state.py",
    "emulator_test.py": "emulator_test.py",
}


@dataclass(frozen=True)
class Names:
    """What the driver of a product is called in each place."""

    brand: str
    product: str
    snake: str
    classname: str

    @classmethod
    def of(cls, name: str, product: str = "") -> Names:
        """The names for a product called `name` in CamelCase. Raises ValueError."""
        if not NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} is no name for a driver: use letters and digits in CamelCase, as in AcmeFirewall"
            )
        if product and (not product.isprintable() or not product.strip() or set(product) & set("\"'\\$|`{}<>#:")):
            raise ValueError(
                f"{product!r} is no name for a product: use plain letters, digits, blanks, dots and hyphens"
            )
        bare = name.removesuffix("Response") or name
        words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[0-9]+|[a-z]+", bare)
        return cls(f"{bare}Response", product.strip() or " ".join(words), "_".join(words).lower(), f"{bare}Emulator")


def driver_files(names: Names) -> dict[PurePosixPath, bytes]:
    """Path in the repository -> content, in order of path. The driver works against its emulator as it is."""
    integration = PurePosixPath("Packs/VectraAutomatedResponse/Integrations") / names.brand
    emulator = PurePosixPath("emulators") / names.snake
    files = {integration / path.format(**vars(names)): _filled(source, names) for source, path in INTEGRATION.items()}
    files |= {emulator / path: _filled(source, names) for source, path in EMULATOR.items()}
    files[PurePosixPath("Tests/conformance/drivers") / f"{names.brand}.py"] = _filled("conformance.py", names)
    files[integration / f"{names.brand}_image.png"] = image(names.brand)
    return dict(sorted(files.items()))


def _filled(source: str, names: Names) -> bytes:
    commands = commands_for(KINDS)
    values: Mapping[str, str] = {
        **vars(names),
        "commands_yml": as_yml(commands),
        "commands_md": as_markdown(commands).rstrip("\n"),
    }
    template = resources.files("warroom.cli.scaffolding.driver") / f"{source}.tmpl"
    return _sorted_imports(Template(template.read_text(encoding="utf-8")).substitute(values)).encode()


def _sorted_imports(text: str) -> str:
    """Where the emulator's own name stands among the imports depends on the name."""
    lines = text.splitlines(keepends=True)
    places = [number for number, line in enumerate(lines) if line.startswith("from emulators.")]
    for place, line in zip(places, sorted((lines[place] for place in places), key=str.split), strict=True):
        lines[place] = line
    return "".join(lines)


def image(name: str) -> bytes:
    """A plain PNG of the size that the server wants: a bar in a colour that comes from the name."""
    shade = zlib.crc32(name.encode())
    colour = bytes(64 + (shade >> shift) % 128 for shift in (0, 8, 16))
    white = b"\xff\xff\xff"
    bar = b"\0" + white * 10 + colour * (IMAGE_WIDTH - 20) + white * 10
    blank = b"\0" + white * IMAGE_WIDTH
    rows = b"".join(bar if 18 <= y < IMAGE_HEIGHT - 18 else blank for y in range(IMAGE_HEIGHT))
    header = struct.pack(">IIBBBBB", IMAGE_WIDTH, IMAGE_HEIGHT, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
