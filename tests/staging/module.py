"""
Modules of the bundled staging in this process.

Nobody imports it but its own tests, and these by name alone: it is written for the Python packages
of Debian 12 and is not a part of ours.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

STAGING = Path(__file__).resolve().parents[2] / "staging"
ROOTS = (STAGING / "common", STAGING / "paystack")


def module(name: str) -> Any:
    """The module of that whole name, as `common.serving`."""
    sys.path.extend(str(root) for root in ROOTS if str(root) not in sys.path)
    return importlib.import_module(name)
