"""The list of transactions moves while it is read: what a reader may count on, and what not."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.staging.sandbox.inside import Inside, opened

END = ("null", None)


async def _add(inside: Inside, count: int) -> None:
    for _ in range(count):
        await inside.initialize()


async def _page(inside: Inside, **query: object) -> dict[str, Any]:
    params = {name: str(value) for name, value in query.items()}
    return dict((await inside.api.get("/transaction", params=params)).json())


async def _by_cursor(inside: Inside, per_page: int, arrivals: list[int]) -> list[int]:
    """All ids by cursor, while *arrivals* rows come in after each page."""
    ids: list[int] = []
    cursor = ""
    for turn in range(200):
        page = await _page(inside, use_cursor="true", perPage=per_page, next=cursor)
        ids += [row["id"] for row in page["data"]]
        await _add(inside, arrivals[turn] if turn < len(arrivals) else 0)
        cursor = page["meta"]["next"]
        if cursor in END:
            return ids
    raise AssertionError("the cursor never ended")


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(0, 12),
    per_page=st.integers(1, 6),
    arrivals=st.lists(st.integers(0, 3), max_size=4),
)
def test_a_cursor_misses_nothing_that_was_there(
    rows: int, per_page: int, arrivals: list[int]
) -> None:
    """
    Whatever arrives while one reads, each row of the beginning is given once, newest first.
    """

    async def rehearse() -> None:
        with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as inside:
            await _add(inside, rows)
            there = [row["id"] for row in (await _page(inside, perPage=100))["data"]]

            ids = await _by_cursor(inside, per_page, arrivals)

            assert ids == there == sorted(set(there), reverse=True)

    asyncio.run(rehearse())


@pytest.mark.anyio
async def test_pages_shift_while_they_are_read(inside: Inside) -> None:
    """
    By page number a row is seen twice when others arrive: readers must take rows by their id.
    """
    await _add(inside, 4)
    first = await _page(inside, perPage=2, page=1)
    await _add(inside, 1)
    second = await _page(inside, perPage=2, page=2)

    assert first["data"][1]["id"] == second["data"][0]["id"]
    assert second["meta"] == {
        "total": 5,
        "total_volume": 2_500_000,
        "skipped": 2,
        "perPage": 2,
        "page": 2,
        "pageCount": 3,
    }


@pytest.mark.anyio
async def test_a_short_page_is_not_the_end(inside: Inside) -> None:
    """
    Of 50 asked for a cursor gives 49, as in the official sample, and the end is the text "null".
    """
    await _add(inside, 60)

    first = await _page(inside, use_cursor="true")
    second = await _page(inside, use_cursor="true", next=first["meta"]["next"])
    back = await _page(inside, use_cursor="true", previous=second["meta"]["previous"])

    assert (len(first["data"]), first["meta"]["perPage"]) == (49, 49)
    assert first["meta"]["previous"] == "null"
    assert (len(second["data"]), second["meta"]["next"]) == (11, "null")
    assert back["data"] == first["data"]


@pytest.mark.anyio
async def test_a_status_filter_hides_reversals(inside: Inside) -> None:
    """
    A list of `status=success` does not hold what was refunded in part: it is no complete reading.
    """
    paid = await inside.paid(amount=1_000)
    await inside.api.post("/refund", json={"transaction": paid["id"], "amount": 100})
    await inside.paid()

    assert len((await _page(inside, status="success"))["data"]) == 1
    assert len((await _page(inside))["data"]) == 2


@pytest.mark.anyio
async def test_a_complete_reading_is_the_capture_log(inside: Inside) -> None:
    """
    What a reader gets by cursor and by verify is what the sandbox itself logged as captured.
    """
    for turn in range(9):
        made = await inside.initialize(amount=1_000 + turn)
        if turn % 3:
            await inside.pay(made["access_code"])
    log = (await inside.control.get("/captures")).json()["captures"]

    read: dict[str, tuple[int, str]] = {}
    cursor = ""
    while cursor not in END:
        page = await _page(inside, use_cursor="true", perPage=3, next=cursor)
        paid = [row for row in page["data"] if row["paid_at"]]
        read |= {row["reference"]: (row["amount"], row["currency"]) for row in paid}
        cursor = page["meta"]["next"]
    verified = [(await inside.verify(one["reference"]))["status"] for one in log]

    assert read == {one["reference"]: (one["amount"], one["currency"]) for one in log}
    assert verified == ["success"] * 6


@pytest.mark.anyio
async def test_a_cursor_of_nobodys_is_refused(inside: Inside) -> None:
    """
    A cursor that was not given by us is 400.
    """
    answer = await inside.api.get("/transaction?use_cursor=true&next=rubbish")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")
