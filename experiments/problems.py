"""Pydantic's errors in the words of the file's author: place, value, and the nearest right name."""

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from drill.errors import BadInput
from experiments.files import Document, Location, Value

M = TypeVar("M", bound=BaseModel)
Schema = Mapping[str, Any]
MAX_SHOWN = 60


def build_model(model: type[M], document: Document) -> M:
    """
    Validate a document.

    Raises:
        BadInput: Every problem of the file, one line each, sorted by line.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        schema = _schema(model)
        items = error.errors(include_url=False)
        places = [item["loc"] for item in items]
        found = [
            _describe(document, schema, item)
            for item in items
            if item["type"] != "too_short" or not _explained(item["loc"], places)
        ]
        raise BadInput(*(text for _, text in sorted(set(found)))) from None


@cache
def _schema(model: type[BaseModel]) -> Schema:
    """A model's schema; made once, as a scenario's takes longer than all else of an error."""
    return model.model_json_schema(by_alias=True)


def nearest(word: object, choices: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or nothing when no choice is near."""
    close = difflib.get_close_matches(str(word), list(choices), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


def show(value: object) -> str:
    """A value as it fits into a message."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


def _explained(place: tuple[str | int, ...], places: Iterable[tuple[str | int, ...]]) -> bool:
    # A list that is too short only because its members were refused: their own errors say more.
    return any(other[: len(place)] == place and other != place for other in places)


def _describe(document: Document, schema: Schema, item: Mapping[str, Any]) -> tuple[int, str]:
    location = _without_tags(document.data, item["loc"])
    kind, last = item["type"], location[-1] if location else ""
    if kind == "extra_forbidden":
        fields = _fields(schema, document.data, location[:-1])
        text = f"unknown field '{last}'{nearest(last, fields)}"
    elif kind == "missing":
        text = f"the field '{last}' is missing"
    elif kind in {"union_tag_invalid", "union_tag_not_found"}:
        return _describe_tag(document, location, item)
    elif kind == "literal_error":
        choices = [choice.strip("' ") for choice in re.split(r",| or ", item["ctx"]["expected"])]
        hint = nearest(item["input"], choices) or f"; there are {', '.join(choices)}"
        text = f"{last} cannot be {show(item['input'])}{hint}"
    elif kind == "too_short":
        text = "at least one is needed here"
    elif kind == "value_error":
        text = str(item["ctx"]["error"])
    else:
        text = f"{item['msg'][0].lower()}{item['msg'][1:]}, not {show(item['input'])}"
    return _line(document, location), f"{document.place(location)}: {text}"


def _describe_tag(
    document: Document, location: Location, item: Mapping[str, Any]
) -> tuple[int, str]:
    key = item["ctx"]["discriminator"].strip("'")
    if item["type"] == "union_tag_not_found":
        text = f"the field '{key}' is missing"
    else:
        location = (*location, key)
        tag = item["ctx"]["tag"]
        choices = [choice.strip(" '") for choice in item["ctx"]["expected_tags"].split(",")]
        hint = nearest(tag, choices) or f"; there are {', '.join(choices)}"
        text = f"no {key} is called '{tag}'{hint}"
    return _line(document, location), f"{document.place(location)}: {text}"


def _line(document: Document, location: Location) -> int:
    while location and location not in document.lines:
        location = location[:-1]
    return document.lines.get(location, 0)


def _without_tags(data: Value, loc: tuple[str | int, ...]) -> Location:
    # Pydantic puts the tag of a union into the location, where the file's author never wrote it.
    kept: list[str | int] = []
    for index, part in enumerate(loc):
        # Not joined by `or`: mypy would know the type of neither.
        if isinstance(data, list) and isinstance(part, int) and part < len(data):  # noqa: SIM114
            data = data[part]
        elif isinstance(data, dict) and isinstance(part, str) and part in data:
            data = data[part]
        elif index < len(loc) - 1 or not isinstance(data, dict):
            continue
        kept.append(part)
    return tuple(kept)


def _fields(schema: Schema, data: Value, location: Location) -> list[str]:
    """The field names allowed at *location*, following references and discriminators."""
    definitions = schema.get("$defs", {})
    node: Schema = schema
    # `_without_tags` left only parts that are in the data, whatever kind each is.
    inside: Any = data
    for part in location:
        node = _resolve(definitions, node, inside)
        named = node.get("properties", {}).get(part)
        node = named or node.get("items") or node.get("additionalProperties") or {}
        inside = inside[part]
    return list(_resolve(definitions, node, inside).get("properties", {}))


def _resolve(definitions: Mapping[str, Schema], node: Schema, data: Value) -> Schema:
    """Follow what stands for another schema; no model of ours refers to itself."""
    if "$ref" in node:
        return _resolve(definitions, definitions[node["$ref"].rsplit("/", 1)[1]], data)
    if "discriminator" in node and isinstance(data, dict):
        tag = data.get(node["discriminator"]["propertyName"])
        reference = node["discriminator"]["mapping"].get(tag)
        return _resolve(definitions, {"$ref": reference} if reference else {}, data)
    if "anyOf" in node or "oneOf" in node:
        wanted = "array" if isinstance(data, list) else "object"
        members = node.get("anyOf") or node["oneOf"]
        options = [_resolve(definitions, option, data) for option in members]
        return next((option for option in options if option.get("type") == wanted), {})
    return node
