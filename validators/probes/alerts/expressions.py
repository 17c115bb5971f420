"""
The selectors in a PromQL expression: which series it looks at.

Prometheus 2.42 has no interface that parses an expression for others. The words of PromQL are few;
what is neither a function, a keyword, a label of a grouping nor a number is a metric.
"""

import re

import msgspec

TOKEN = re.compile(
    r"""
    (?P<space>\s+|\#[^\n]*)
    | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
    | (?P<number>0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+|[a-z]+(?:\d+[a-z]+)*)?)
    | (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
GROUPINGS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
WORDS = frozenset({"and", "or", "unless", "offset", "bool", "atan2", "inf", "nan"})
AGGREGATIONS = frozenset(
    {"sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values"}
    | {"bottomk", "topk", "quantile"}
)
ABSENCES = frozenset({"absent", "absent_over_time"})
Token = tuple[str, str]


class Selector(msgspec.Struct, frozen=True):
    """A selector without its range; *absent* where the expression is true without series."""

    text: str
    absent: bool = False


def selectors(expression: str) -> list[Selector]:
    """
    Find the selectors of an expression, each once, in their order.

    Args:
        expression: As Prometheus gives it; what is none gives whatever looks like selectors.
    """
    tokens = [
        (match.lastgroup or "", match.group())
        for match in TOKEN.finditer(expression)
        if match.lastgroup != "space"
    ]
    found: dict[str, Selector] = {}
    calls: list[str] = []  # the function of each parenthesis that is open
    at = 0
    while at < len(tokens):
        kind, text = tokens[at]
        following = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        start, at = at, at + 1
        if text == "(":
            calls.append(tokens[start - 1][1].lower() if start else "")
        elif text == ")" and calls:
            calls.pop()
        elif text == "[":
            at = _after(tokens, start, "]")
        elif kind == "name" and text.lower() in GROUPINGS and following == "(":
            at = _after(tokens, at, ")")
        elif text == "{" or (kind == "name" and _is_metric(text, following)):
            begins = start if text == "{" else at
            at = _after(tokens, begins, "}") if text == "{" or following == "{" else at
            selector = "".join(part for _, part in tokens[start:at])
            found.setdefault(selector, Selector(selector, not ABSENCES.isdisjoint(calls)))
    return list(found.values())


def _is_metric(name: str, following: str) -> bool:
    if following == "(" or name.lower() in WORDS | GROUPINGS:
        return False
    return not (name.lower() in AGGREGATIONS and following.lower() in {"by", "without"})


def _after(tokens: list[Token], begins: int, closing: str) -> int:
    """The place after the next *closing*; the end if there is none."""
    for place in range(begins, len(tokens)):
        if tokens[place][1] == closing:
            return place + 1
    return len(tokens)
