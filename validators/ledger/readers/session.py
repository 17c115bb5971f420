"""Asks the shop as each customer would: signs in, and looks whether the product can be used."""

from collections.abc import Iterable
from http.cookiejar import CookieJar, DefaultCookiePolicy

import anyio
import httpx

from drill.payments import Usable
from validators.ledger.reading import Reading, Unread
from validators.ledger.specs import SessionReader
from validators.probes.specs import fill

ASK_LIMIT_S = 5.0
READ_LIMIT_S = 300.0
AT_ONCE = 4
TRIES = 3
PAUSE_S = 0.5
TOO_MANY, SERVER_ERROR = 429, 500


class Sessions:
    """
    Customers' own sessions, by plain HTTP.

    Args:
        spec: How one signs in, and what the dashboard shows.

        web: Where the shop is.
    """

    def __init__(self, spec: SessionReader, web: str) -> None:
        self._spec = spec
        self._client = httpx.AsyncClient(
            base_url=web,
            timeout=ASK_LIMIT_S,
            trust_env=False,
            # One client for all, so it must keep nobody's cookies.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def usable(self, wanted: Iterable[tuple[str, str]]) -> Reading[Usable]:
        """
        Whether each customer's session shows a product as theirs.

        Args:
            wanted: Customers and products.
        """
        seen: dict[tuple[str, str], Usable] = {
            pair: Usable(customer=pair[0], product=pair[1], usable=None) for pair in wanted
        }
        troubles: list[str] = []
        gate = anyio.CapacityLimiter(AT_ONCE)

        async def ask(pair: tuple[str, str]) -> None:
            async with gate:
                try:
                    answer = await self._ask(*pair)
                except Unread as error:
                    troubles.append(str(error))
                    return
                seen[pair] = Usable(customer=pair[0], product=pair[1], usable=answer)

        with anyio.move_on_after(READ_LIMIT_S):
            async with anyio.create_task_group() as group:
                for pair in tuple(seen):
                    group.start_soon(ask, pair)
        unasked = sum(one.usable is None for one in seen.values())
        why = troubles[-1] if troubles else f"not within {READ_LIMIT_S:g} s"
        return Reading(
            rows=tuple(seen.values()),
            complete=not unasked,
            source="the customers' own sessions",
            reason=f"{unasked} customers could not be asked, the last: {why}" if unasked else "",
        )

    async def _ask(self, customer: str, product: str) -> bool:
        names = {"email": customer, "password": self._spec.password.get_secret_value()}
        form = {key: str(fill(value, names)) for key, value in self._spec.fields.items()}
        answer = await self._send("POST", self._spec.signin, form)
        if answer.status_code not in self._spec.signed_in:
            # A definite no: whoever cannot sign in cannot use it.
            return False
        cookies = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
        page = await self._send("GET", self._spec.dashboard, cookies=cookies)
        if not page.is_success:
            raise Unread(f"the dashboard answered HTTP {page.status_code}")
        return self._spec.shows.replace("{product}", product) in page.text

    async def _send(
        self, method: str, path: str, form: dict[str, str] | None = None, cookies: str = ""
    ) -> httpx.Response:
        """One answer that is neither an error of the server nor a limit."""
        reason = ""
        for attempt in range(TRIES):
            if attempt:
                await anyio.sleep(PAUSE_S)
            try:
                answer = await self._client.request(
                    method, path, data=form, headers={"cookie": cookies} if cookies else None
                )
            except httpx.HTTPError as error:
                reason = f"no answer ({type(error).__name__})"
                continue
            if answer.status_code < SERVER_ERROR and answer.status_code != TOO_MANY:
                return answer
            reason = f"HTTP {answer.status_code}"
        raise Unread(f"{path}: {reason}")
