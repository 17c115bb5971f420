"""
Files that people write: YAML with line numbers, strict, small, and every error at once.

Stricter than YAML on purpose: no anchors, tags or merge keys, no duplicate keys, and only `true`,
`false`, `null` and plain decimal numbers are anything but text, so that `off`, `1:30` and `010`
stay what was typed.
"""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from drill.errors import BadInput

MAX_BYTES = 256 * 1024
MAX_DEPTH = 40
Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]
Location = tuple[str | int, ...]

QUICK: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML was built with it: ten times as quick."""

LIVE_KEY = re.compile(r"\b[sp]k_live_")
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
WORDS: Mapping[str, Value] = {"true": True, "false": False, "null": None, "~": None, "": None}
INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})$")
NUMBER = re.compile(r"-?(0|[1-9]\d*)\.\d+$")


class Document:
    """
    A parsed file.

    Attributes:
        name: The path as the user gave it, for messages.

        data: The top-level mapping.

        lines: Line numbers by location, counted from 1.
    """

    def __init__(self, name: str, data: dict[str, Value], lines: Mapping[Location, int]) -> None:
        self.name = name
        self.data = data
        self.lines = lines

    def place(self, location: Location) -> str:
        """`file:line: a.1.b`, with the nearest line that is known and lists counted from 1."""
        known = location
        while known and known not in self.lines:
            known = known[:-1]
        words = ".".join(str(part + 1 if isinstance(part, int) else part) for part in location)
        line = self.lines.get(known, 1)
        return f"{self.name}:{line}: {words}" if words else f"{self.name}:{line}"


def read_document(path: Path, variables: Mapping[str, str] | None = None) -> Document:
    """
    Read one YAML file.

    Args:
        path: The file.

        variables: For `${NAME}` and `${NAME:-default}`; the process environment when None.

    Raises:
        BadInput: With place, value and way out, one line a problem.
    """
    name = str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise BadInput(f"{name}: this is a folder; name a YAML file in it") from None
    except FileNotFoundError:
        raise BadInput(f"{name}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{name}: cannot be read: {error}") from None
    if len(raw) > MAX_BYTES:
        raise BadInput(f"{name}: larger than {MAX_BYTES // 1024} KiB, which no scenario needs")
    return parse_document(name, raw, os.environ if variables is None else variables)


def parse_document(name: str, raw: bytes, variables: Mapping[str, str]) -> Document:
    """Parse the text of a file; raises BadInput as `read_document` does."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise BadInput(f"{name}:{line}: not UTF-8 text; save the file as UTF-8") from None
    node = _compose(name, text)
    if node is None:
        raise BadInput(f"{name}: the file is empty; `drill schema` shows what belongs into it")
    if not isinstance(node, yaml.MappingNode):
        raise BadInput(f"{name}:1: a list of `key: value` lines is expected, not a {_kind(node)}")
    builder = _Builder(name, variables)
    data = dict(builder.pairs(node, ()))
    if builder.problems:
        raise BadInput(*builder.problems)
    return Document(name, data, builder.lines)


def _kind(node: yaml.Node) -> str:
    return "list" if isinstance(node, yaml.SequenceNode) else "single value"


def safe_load(raw: bytes) -> object:
    """
    As `yaml.safe_load`, quickly.

    Raises:
        yaml.YAMLError: It is no YAML.

        RecursionError: It is nested deeper than `MAX_DEPTH`; in C nothing else bounds how deep
                building from it recurses.
    """
    depth = 0
    for event in yaml.parse(raw, Loader=QUICK):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise RecursionError(f"nested deeper than {MAX_DEPTH} levels")
    return yaml.load(raw, Loader=QUICK)  # noqa: S506 - a safe loader


def _compose(name: str, text: str) -> yaml.Node | None:
    # A tab between two words is fine with libyaml, and we allow none.
    if "\t" not in text:
        with contextlib.suppress(yaml.YAMLError):
            return _node(name, text, QUICK)
    # Once more if it failed, for the words: those of the loader in Python say where and what.
    return _told(name, text)


def _node(name: str, text: str, loader: type[yaml.SafeLoader]) -> yaml.Node | None:
    _refuse_unsafe(name, text, loader)
    node: yaml.Node | None = yaml.compose(text, Loader=loader)
    return node


def _told(name: str, text: str) -> yaml.Node | None:
    try:
        return _node(name, text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        what = " ".join(str(error.problem or error.context).split())
        hint = "; indent with spaces, YAML allows no tabs" if "'\\t'" in what else ""
        raise BadInput(f"{name}:{line}: not valid YAML: {what}{hint}") from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        what = f"character {error.character!r} is not allowed"
        raise BadInput(f"{name}:{line}: not valid YAML: {what}") from None


def _refuse_unsafe(name: str, text: str, loader: type[yaml.SafeLoader]) -> None:
    # On the event stream, which is flat: a bomb is seen before anything is built from it.
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        tag = getattr(event, "tag", None)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise BadInput(f"{name}:{line}: anchors and aliases are not allowed; write it out")
        if tag:
            raise BadInput(f"{name}:{line}: tags such as {tag} are not allowed")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise BadInput(f"{name}:{line}: nested deeper than {MAX_DEPTH} levels")


class _Builder:
    """Turns YAML nodes into plain values, collecting problems instead of stopping at the first."""

    def __init__(self, name: str, variables: Mapping[str, str]) -> None:
        self.name = name
        self.variables = variables
        self.lines: dict[Location, int] = {}
        self.problems: list[str] = []

    def build(self, node: yaml.Node, location: Location) -> Value:
        self.lines.setdefault(location, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return dict(self.pairs(node, location))
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*location, index)) for index, item in enumerate(node.value)]
        return self._scalar(node) if isinstance(node, yaml.ScalarNode) else None

    def pairs(self, node: yaml.MappingNode, location: Location) -> Iterator[tuple[str, Value]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(key_node, "a key must be one word")
                continue
            key = key_node.value
            if key in seen:
                self._problem(key_node, f"'{key}' stands here twice, first in line {seen[key]}")
                continue
            seen[key] = line
            self.lines[(*location, key)] = line
            yield key, self.build(value_node, (*location, key))

    def _scalar(self, node: yaml.ScalarNode) -> Value:
        text = VARIABLE.sub(lambda match: self._variable(node, match), node.value)
        if LIVE_KEY.search(text):
            self._problem(node, "this is a live Paystack key; a drill takes test keys only")
            return None
        if node.style:  # quoted; a plain one has None in Python's loader and "" in libyaml's
            return text
        if text in WORDS:
            return WORDS[text]
        if INTEGER.fullmatch(text):
            return int(text)
        return float(text) if NUMBER.fullmatch(text) else text

    def _variable(self, node: yaml.Node, match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        value = self.variables.get(name) or default
        if value is None:
            self._problem(node, f"the variable {name} is not set; export it or give a default")
            return ""
        return value

    def _problem(self, node: yaml.Node, text: str) -> None:
        self.problems.append(f"{self.name}:{node.start_mark.line + 1}: {text}")
