"""How often the shop called Paystack, as Prometheus counts it."""

import pytest

from tests.validators.probes.alerts.double import Double, serving
from validators.ledger.readers.calls import CallCounter
from validators.ledger.specs import CallCount

pytestmark = pytest.mark.anyio
QUERY = "/api/v1/query"


def vector(*values: str) -> dict[str, object]:
    """An answer with so many series."""
    series = [{"metric": {"n": str(n)}, "value": [1.5, each]} for n, each in enumerate(values)]
    return {"status": "success", "data": {"resultType": "vector", "result": series}}


async def read(double: Double) -> tuple[float | None, bool, str]:
    """What is read at a Prometheus that answers so."""
    counter = CallCounter(CallCount(prometheus=double.url, query="sum(calls)", limit=1))
    try:
        record = await counter.read()
    finally:
        await counter.close()
    return record.calls, record.complete, record.reason


async def test_one_value_is_the_count() -> None:
    """The number of the one series, asked by the environment's own query."""
    async with serving() as double:
        double.answers[QUERY] = vector("41")

        assert await read(double) == (41.0, True, "")
        assert double.asked[0].query == {"query": ["sum(calls)"]}


@pytest.mark.parametrize("values", [[], ["1", "2"]])
async def test_anything_but_one_value_is_no_count(values: list[str]) -> None:
    """No series, or several, is not read, and says so."""
    async with serving() as double:
        double.answers[QUERY] = vector(*values)

        calls, complete, reason = await read(double)

    assert (calls, complete) == (None, False)
    assert reason == f"the query gives {len(values)} values instead of one"


async def test_a_prometheus_that_is_away_is_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is none, or comes too late, is told as such."""
    async with serving() as double:
        double.answers[QUERY] = [1]
        calls, complete, reason = await read(double)
        assert (calls, complete) == (None, False)
        assert "shape" in reason

        monkeypatch.setattr("validators.ledger.readers.calls.LOOK_LIMIT_S", 0.05)
        double.delay_s = 0.5
        assert (await read(double))[2] == "no answer within 0.05 s"
