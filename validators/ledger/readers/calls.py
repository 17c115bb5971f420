"""How often the shop has called Paystack, by whoever counts it."""

import anyio

from drill.payments import LedgerRead
from validators.ledger.specs import CallCount
from validators.probes.alerts.api import LOOK_LIMIT_S, Api
from validators.probes.alerts.base import Unreadable
from validators.probes.alerts.vectors import query


class CallCounter:
    """
    Reads one number from Prometheus.

    Args:
        spec: Where, and by which query.
    """

    def __init__(self, spec: CallCount) -> None:
        self._api = Api(spec.prometheus)
        self._query = spec.query

    async def read(self) -> LedgerRead:
        """The number now; a record that is not complete where there is not exactly one."""
        calls, reason = None, ""
        try:
            with anyio.fail_after(LOOK_LIMIT_S):
                values = await query(self._api, self._query)
            if len(values) == 1:
                calls = values[0].value
            else:
                reason = f"the query gives {len(values)} values instead of one"
        except TimeoutError:
            reason = f"no answer within {LOOK_LIMIT_S:g} s"
        except Unreadable as error:
            reason = str(error)
        return LedgerRead(
            t=anyio.current_time(),
            ledger="shop.calls",
            round=0,
            complete=calls is not None,
            source=self._api.shown,
            reason=reason,
            calls=calls,
        )

    async def close(self) -> None:
        """Close what is open."""
        await self._api.close()
