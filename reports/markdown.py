"""
Markdown that is made from facts: whatever staging answered cannot become markup.

A template's expressions are escaped unless they are `Raw`; None is written as `missing`.
"""

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from reports.html import TEMPLATES
from reports.words import one_line, safe

if TYPE_CHECKING:
    from jinja2 import Template

MISSING = "missing"
LONGEST = 1000
SPECIAL = re.compile(
    r"[\\`*\[\]<>|~]|(?<!\w)_|_(?!\w)|&(?=#?\w+;)|(?<=^)(?:[#+=-]|\d+[.)])(?=\s|$)"
)
OF_THE_RUN = re.compile(r"journal\.jsonl(#L\d+)?$|evidence/\S+$")
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


class Raw(str):
    """Markdown that is meant as such."""

    __slots__ = ()


def escaped(value: object) -> str:
    """Give *value* as one line of Markdown text; `missing` for None."""
    if isinstance(value, Raw):
        return value
    if value is None:
        return MISSING
    text = safe(re.sub(r"\s+", " ", str(value)))
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return SPECIAL.sub(lambda found: "\\" + found.group(), text)


def code(text: str) -> Raw:
    """Give *text* as code, also within a table."""
    return Raw("`" + one_line(text, LONGEST).replace("`", "'").replace("|", "\\|") + "`")


def link(evidence: str) -> Raw:
    """Link a file of the run; anything else is only named, since no page fetches or leads away."""
    path, _, place = evidence.partition("#")
    if not OF_THE_RUN.match(evidence) or ".." in PurePosixPath(path).parts:
        return code(evidence) if evidence else Raw(MISSING)
    target = quote(path.encode("utf-8", "replace")) + (f"#{place}" if place else "")
    return Raw(f"[{escaped(evidence)}](./{target})")


def markdown_template(name: str) -> "Template":
    """Load a template of a Markdown file; jinja2 is imported only when one is rendered."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - lazy

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,  # noqa: S701 - no HTML: `finalize` escapes for Markdown
        finalize=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = code
    environment.filters["link"] = link
    return environment.get_template(name)


def to_html(text: str) -> str:
    """Give Markdown as HTML: tables, and no HTML, picture or script of the text's own."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - lazy

    made = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    html = str(made.render(COMMENT.sub("", text)))
    opened = html.replace("<table>", '<div class="scroll" tabindex="0"><table>')
    return opened.replace("</table>", "</table></div>")
