"""What each sacred feature makes of a note: small, and different for every note."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

Derived = dict[str, str | int | float]

PLACES = ("the baobab", "the river crossing", "the night market", "the old observatory")
DEEDS = ("carried a lantern for", "taught a song to", "kept a promise to", "found water for")


def _digest(note: str) -> bytes:
    return hashlib.sha256(note.encode()).digest()


def trust_score(note: str) -> Derived:
    """Legacy Tree: a score from 0 to 100 and how deep the note's roots go."""
    digest = _digest(note)
    return {"trust_score": round(digest[0] / 2.55, 1), "depth": 1 + digest[1] % 7}


def love_loops(note: str) -> Derived:
    """Love Loops: how often kindness in the note comes round."""
    words = re.findall(r"\w+", note.lower())
    return {"loops": len(words) + sum(word.startswith(("love", "thank")) for word in words)}


def lore_generator(note: str) -> Derived:
    """Lore Generator: one line of lore about the note."""
    digest = _digest(note)
    place, deed = PLACES[digest[0] % len(PLACES)], DEEDS[digest[1] % len(DEEDS)]
    return {"lore": f"At {place}, somebody {deed} those who said: {note[:80]}"}


def ubuntu_echo(note: str) -> Derived:
    """Ubuntu Echo: the note, as the others hear it."""
    return {"echo": f"I am because we are: {note}", "length": len(note)}


@dataclass(frozen=True)
class Feature:
    """A sacred feature: its name, its path and what it makes of a note."""

    name: str
    derive: Callable[[str], Derived]

    @property
    def path(self) -> str:
        return f"/api/v1/{self.name}"


FEATURES = (
    Feature("trust-score", trust_score),
    Feature("love-loops", love_loops),
    Feature("lore-generator", lore_generator),
    Feature("ubuntu-echo", ubuntu_echo),
)
