"""What a look at one guardrail gives, and reading the small files that it looks at."""

from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

MAX_BYTES = 1024 * 1024
T = TypeVar("T")


class Look(msgspec.Struct, frozen=True):
    """Whether a guardrail holds, None where nobody can tell; *evidence* is where it was read."""

    ok: bool | None
    detail: str
    evidence: str = ""


class Unreadable(Exception):
    """A file is there, and cannot be understood; the message names it."""


def read_text(root: Path, name: str) -> str | None:
    """
    Read a small text file below *root*.

    Returns:
        Its text, None if it is not there.

    Raises:
        Unreadable: It is there, and too big, no text, no file or outside *root*.
    """
    path = root / name
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            raise Unreadable(f"{name} leads out of the repository")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise Unreadable(f"{name} is larger than {MAX_BYTES} bytes")
        return raw.decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unreadable(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unreadable(f"{name} is not UTF-8 text") from None


def read_yaml(text: str, kind: type[T], name: str) -> T:
    """Give YAML as *kind*; raises Unreadable, naming the file, when it is none."""
    try:
        # Every scalar as text: a workflow's `on:` would else be the key True.
        tree = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - makes nothing but text
        return msgspec.convert({} if tree == "" else tree, kind, strict=False)
    except (msgspec.MsgspecError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(f"{name} is not understood: {_first_line(error)}") from None


def read_json(text: str, kind: type[T], name: str) -> T:
    """Give JSON as *kind*; raises Unreadable, naming the file, when it is none."""
    try:
        return msgspec.json.decode(text.encode(), type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Unreadable(f"{name} is not understood: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
