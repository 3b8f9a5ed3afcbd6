"""Reads content packs, in source form or unified by the SDK, as data. Runs nothing."""

from __future__ import annotations

from warroom.content.catalog import Catalog, Problem
from warroom.content.errors import ContentError
from warroom.content.model import Argument, Code, Command, Integration, Parameter, Script

__all__ = ["Argument", "Catalog", "Code", "Command", "ContentError", "Integration", "Parameter", "Problem", "Script"]
