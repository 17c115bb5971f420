"""
Takes secrets out of text before it is kept: Paystack keys, headers that authorize, passwords.

It would rather take too much than too little: a log that lost a word is still evidence.
"""

import re
from collections.abc import Collection

TAKEN = "[redacted]"
# Only the end of a name: what stands before it need not be read, which keeps long lines cheap.
_NAME = (
    r"(?:authorization|api[-_]?key|access[-_]?key|secret(?:[-_]?key)?|signature|passw(?:or)?d"
    r"|token|cookie)"
)
_TEXT = r"(?P<quote>\\*[\"'])(?:(?!(?P=quote))(?:\\.|.))*"
_KEYS = re.compile(r"[sp]k_(?:test|live)_[\w-]*|(?<![A-Za-z0-9])[sp]k_\w[\w-]*", re.IGNORECASE)
_QUOTED = re.compile(
    rf"(?P<name>{_NAME}\\*[\"']?\s*[:=,]\s*b?){_TEXT}", re.IGNORECASE
)  # "x-api-key": "...", also as Python's b'x-api-key', b'...' and with its quotes escaped
_HEADER = re.compile(rf"(?P<name>{_NAME}\\*[\"']?\s*:\s*)(?![\"'\\]).+", re.IGNORECASE)
_ASSIGNED = re.compile(
    rf"(?P<name>{_NAME}(?:=|%3d))(?:(?:bearer|basic|token)(?:\s|%20|\+)+)?(?![\"'\\])[^\s&]+",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(?P<name>\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}", re.IGNORECASE)
_URL = re.compile(r"(?P<name>://[^\s/@:]*:)(?!\d+(?:[/?#,]|$))[^\s\"'<>]*(?=@)")


def redact(line: str, known: Collection[str] = ()) -> str:
    """
    One line without its secrets.

    Args:
        line: Without line breaks.
        known: Secrets known by their value, taken out wherever they stand.
    """
    for secret in sorted(known, key=len, reverse=True):
        line = line.replace(secret, TAKEN)
    line = _URL.sub(rf"\g<name>{TAKEN}", line)
    line = _QUOTED.sub(rf"\g<name>\g<quote>{TAKEN}", line)
    line = _HEADER.sub(rf"\g<name>{TAKEN}", line)
    line = _ASSIGNED.sub(rf"\g<name>{TAKEN}", line)
    line = _SCHEME.sub(rf"\g<name>{TAKEN}", line)
    return _KEYS.sub(TAKEN, line)
