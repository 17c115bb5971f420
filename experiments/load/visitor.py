"""Customers who buy nothing: they look around and use the sacred features."""

import random
import re

import msgspec

from experiments.load.tab import Tab
from experiments.load.wire import FeatureStep, Site

VISIT_EVERY_S = (1.5, 4.5)
PAGES = ("/", "/plans", "/support", "/dashboard")
PLACE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
ERROR = 400


class Visitor:
    """
    One customer who looks around.

    Args:
        site: Where.
        chance: This visitor's own; what visitors do is drawn, and judged by nobody.
    """

    def __init__(self, site: Site, chance: random.Random) -> None:
        self._site = site
        self._chance = chance

    def rest_s(self) -> float:
        """How long until the next visit."""
        return self._chance.uniform(*VISIT_EVERY_S)

    def visit(self, tab: Tab) -> None:
        """Look at a page, or use a feature."""
        features = sorted(self._site.features)
        place = self._chance.choice([*PAGES, *features])
        if place in self._site.features:
            self._use(tab, place)
        else:
            tab.get(place)

    def _use(self, tab: Tab, feature: str) -> None:
        names = {"nonce": f"load-{self._chance.getrandbits(64):x}"}
        for step in self._site.features[feature]:
            headers = {name: _filled(value, names) for name, value in step.headers.items()}
            request = (_filled(step.body, names), headers)
            page = tab.send(step.method, _filled(step.url, names), name=feature, json=request)
            if page.problem or page.status >= ERROR:
                return
            names |= _saved(step, page.text)


def _filled(text: str, names: dict[str, str]) -> str:
    return PLACE.sub(lambda found: names.get(found[1], found[0]), text)


def _saved(step: FeatureStep, text: str) -> dict[str, str]:
    """What a step keeps of its answer, by name; nothing where the answer is another than usual."""
    if not step.save:
        return {}
    try:
        answer = msgspec.json.decode(text.encode())
        return {name: str(_at(answer, path)) for name, path in step.save.items()}
    except (msgspec.MsgspecError, KeyError, TypeError):
        return {}


def _at(answer: object, path: str) -> object:
    for key in path.split("."):
        if not isinstance(answer, dict):
            raise KeyError(key)
        answer = answer[key]
    return answer if isinstance(answer, str | int | float) else ""
