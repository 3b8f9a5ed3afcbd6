"""The names that an XSOAR server puts in front of pack code, and the standard modules that come with them.

Pack code does `from CommonServerPython import *`. Here they are only collected; each subject is a file in
warroom.runtime.common.
"""
# ruff: noqa: F401, I001, UP035 (names that pack code expects, old ones too)

import base64
import calendar
import hashlib
import ipaddress
import json
import logging
import os
import random
import re
import socket
import sys
import time
import traceback
import urllib
import uuid
from collections import OrderedDict
from datetime import datetime, timedelta, timezone
from random import randint
from threading import Lock
from typing import Any, Callable, Dict, Generator, Iterable, List, Optional, Set, Tuple, Union, cast

import requests
import urllib3

import demistomock as demisto
from warroom.runtime.common.args import *
from warroom.runtime.common.commands import *
from warroom.runtime.common.context import *
from warroom.runtime.common.data import *
from warroom.runtime.common.dates import *
from warroom.runtime.common.entries import *
from warroom.runtime.common.feeds import *
from warroom.runtime.common.files import *
from warroom.runtime.common.http import *
from warroom.runtime.common.indicator_objects import *
from warroom.runtime.common.indicator_types import *
from warroom.runtime.common.mirroring import *
from warroom.runtime.common.polling import *
from warroom.runtime.common.relationships import *
from warroom.runtime.common.results import *
from warroom.runtime.common.searcher import *
from warroom.runtime.common.tables import *
from warroom.runtime.common.text import *
from warroom.runtime.common.threads import *
from warroom.runtime.common.verdicts import *
from warroom.runtime.common.versions import *

IS_PY3 = True
PY_VER_MINOR = sys.version_info.minor


def __line__() -> int:  # noqa: N807 - the name that the SDK writes
    """The line of the caller. Unified code passes it to `register_module_line`."""
    frame = sys._getframe(1)
    return frame.f_lineno


def register_module_line(module_name: str, start_end: str, line: int, wrapper: int = 0) -> None:
    """Does nothing: unified code marks its modules by it, and tracebacks here name the real lines anyway."""
