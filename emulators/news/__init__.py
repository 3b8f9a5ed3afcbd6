"""Stateful emulator of news sites: RSS, Atom and plain pages. `python -m emulators.news` runs it as a process."""

from emulators.news.emulator import News, main, running
from emulators.news.options import NewsOptions

__all__ = ["News", "NewsOptions", "main", "running"]
