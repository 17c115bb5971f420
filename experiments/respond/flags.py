"""The shop's own switches, by its admin API."""

import json
from collections.abc import Mapping
from urllib.parse import quote, urljoin

import httpx

from drill.errors import BadInput, Unsure
from experiments.environment_parts import Feature
from experiments.problems import nearest

FLAG_LIMIT_S = 10.0
SAID_LIMIT = 200


class Flags:
    """
    Implements `ports.Features`.

    The flag's URL answers GET and takes PUT with `{"enabled": true|false}`.

    Args:
        web: The shop's address; a feature's `url` is relative to it.

        features: The environment's features by name.
    """

    def __init__(self, web: str, features: Mapping[str, Feature]) -> None:
        self._web = web
        self._features = features

    async def flag(self, feature: str) -> bool:
        return _enabled(await self._ask(feature, "GET"))

    async def set_flag(self, feature: str, *, on: bool) -> str:
        answer = await self._ask(feature, "PUT", on=on)
        now = await self._ask(feature, "GET")
        if _enabled(now) is not on:
            raise Unsure(
                f"{feature} was to be {_word(on)}, the shop said {_told(answer)}, and read again it"
                f" is {_word(not on)}"
            )
        return f"{feature} is {_word(on)}: the shop answered {_told(answer)}, and read again so"

    async def _ask(self, feature: str, method: str, *, on: bool | None = None) -> httpx.Response:
        spec = self._features.get(feature)
        if spec is None:
            hint = nearest(feature, self._features) or "; list it under `features`"
            raise BadInput(f"no feature is called '{feature}'{hint}")
        url = urljoin(self._web, spec.url.replace("{flag}", quote(spec.flag, safe="")))
        headers = {spec.header: spec.key.get_secret_value()} if spec.key else {}
        body = None if on is None else {"enabled": on}
        try:
            async with httpx.AsyncClient(timeout=FLAG_LIMIT_S, trust_env=False) as client:
                answer = await client.request(method, url, headers=headers, json=body)
        except httpx.HTTPError as error:
            said = str(error) or type(error).__name__
            raise Unsure(f"{method} {url} of feature {feature}: {said}") from None
        if not answer.is_success:
            raise Unsure(f"{method} {url} of feature {feature} was answered {_told(answer)}")
        return answer


def _enabled(answer: httpx.Response) -> bool:
    try:
        value = json.loads(answer.content)["enabled"]
    except (ValueError, KeyError, TypeError):
        value = None
    if not isinstance(value, bool):
        raise Unsure(f"the flag's answer has no `enabled`, true or false: {_told(answer)}")
    return value


def _told(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.text[:SAID_LIMIT].strip()}"


def _word(on: bool) -> str:  # noqa: FBT001 - a word for a boolean
    return "on" if on else "off"
