"""Reading Paystack: the whole list while it moves, every reference, refunds and events."""

import json
from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

import anyio
import pytest
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from tests.validators.ledger.paystack_double import Answered, Double, Row, row
from validators.ledger.paystack import NO_EVENTS_LOG, TRIES

pytestmark = pytest.mark.anyio
T = TypeVar("T")
HTML = Answered(502, b"<html>cloudflare</html>", {"content-type": "text/html"})


def without_waiting(work: Callable[..., Awaitable[T]], *args: object) -> T:
    """Run on virtual time, where a pause takes none."""
    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(work, *args, backend="trio", backend_options={"clock": clock})


@pytest.mark.parametrize(
    ("end", "tells"), [("null", True), (None, True), (None, False)], ids=["text", "null", "none"]
)
@pytest.mark.parametrize("count", [0, 1, 3, 4, 50])
async def test_the_list_is_read_to_its_end(end: str | None, tells: bool, count: int) -> None:
    """Every row is read once, whichever way the last page says that it is the last."""
    double = Double(rows=[row(n) for n in range(count, 0, -1)], end=end, tells_end=tells)

    seen = await double.client().transactions()

    assert (seen.complete, seen.reason, seen.as_of) == (True, "", "then")
    assert sorted(one.id for one in seen.rows) == list(range(1, count + 1))


async def test_every_status_is_listed_and_addresses_are_in_small_letters() -> None:
    """A reversal, an unfinished payment and a customer without an address are rows as well."""
    double = Double(
        rows=[
            row(3, status="reversal-pending", amount="400"),
            row(2, status="abandoned", customer=None, fees=None, requested_amount=None),
            row(1),
        ]
    )

    seen = (await double.client().transactions()).rows

    assert [one.status for one in seen] == ["reversal-pending", "abandoned", "success"]
    assert (seen[0].amount, seen[1].email, seen[2].email) == (400, "", "i1-run@drill.test")
    assert (seen[1].fees, seen[2].fees, seen[2].domain) == (None, 7500, "test")


@pytest.mark.no_cover
@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(0, 25),
    per_page=st.integers(1, 7),
    seed=st.integers(0, 10**6),
    steps=st.integers(0, 8),
)
def test_no_row_is_missed_while_the_list_moves(
    count: int, per_page: int, seed: int, steps: int
) -> None:
    """Whatever arrives or moves up while one reads, every row is there in its last state."""
    chance = Random(seed)
    double = Double(rows=[row(n, status="ongoing") for n in range(count, 0, -1)], per_page=per_page)
    left = [steps]

    def move() -> None:
        if not left[0]:
            return
        left[0] -= 1
        if double.rows and chance.random() < 0.6:
            old = double.rows.pop(chance.randrange(len(double.rows)))
            double.put({**old, "status": f"changed {left[0]}"})
        else:
            double.put(row(1000 + left[0]))

    double.moves = move

    seen = anyio.run(double.client().transactions)

    assert seen.complete, seen.reason
    assert {one.id: one.status for one in seen.rows} == {
        each["id"]: each["status"] for each in double.rows
    }
    assert len({one.id for one in seen.rows}) == len(seen.rows)


def test_a_list_that_keeps_growing_is_read() -> None:
    """Rows that come at each look are no reason to give up: what was there before is there."""
    double = Double(rows=[row(n) for n in range(20, 0, -1)])
    double.moves = lambda: double.put(row(len(double.rows) + 1))

    seen = anyio.run(double.client().transactions)

    assert seen.complete, seen.reason
    assert {one.id for one in seen.rows} >= set(range(1, 21))


def test_a_list_that_moves_by_whole_pages_is_unread() -> None:
    """If nothing of the top is left at the next look, absence may not be concluded."""
    double = Double(rows=[row(1)])

    def flood() -> None:
        for _ in range(double.per_page):
            double.put(row(len(double.rows) + 1))

    double.moves = flood

    seen = anyio.run(double.client().transactions)

    assert not seen.complete
    assert "too fast" in seen.reason
    assert len(seen.rows) > 5


@pytest.mark.parametrize(
    ("meta", "why"),
    [
        ({"next": "same"}, "circle"),
        ({"page": 1, "pageCount": 2}, "page numbers"),
        ({"next": ["x"]}, "another shape"),
    ],
)
async def test_paging_that_leads_nowhere_is_unread(meta: dict[str, JsonValue], why: str) -> None:
    """A cursor in a circle, or pages by number, end the reading with what was seen."""
    body = json.dumps({"status": True, "message": "", "data": [row(1)], "meta": meta}).encode()
    double = Double(instead=lambda _: Answered(200, body))

    seen = await double.client().transactions()

    assert (seen.complete, [one.id for one in seen.rows]) == (False, [1])
    assert why in seen.reason


async def test_a_row_that_cannot_be_read_leaves_the_others_and_is_told() -> None:
    """One row of another shape makes the reading incomplete and takes no other row along."""
    double = Double(rows=[row(3), row(2, amount="much"), row(1)])

    seen = await double.client().transactions()

    assert ([one.id for one in seen.rows], seen.complete) == ([3, 1], False)
    assert seen.reason.startswith("2 rows cannot be read")  # it was read again with the top


@pytest.mark.parametrize("http", [400, 404])
async def test_an_unknown_reference_is_an_answer(http: int) -> None:
    """Paystack's no is told by its code, whatever the number, and leaves the reading complete."""
    double = Double(rows=[row(1, reference="a/b c?")], unknown_http=http)

    seen = await double.client().verify(["nobody", "a/b c?", "nobody"])

    assert (seen.complete, [one.reference for one in seen.rows]) == (True, ["a/b c?"])
    assert len(double.asked) == 2


def test_what_is_no_json_is_asked_again_and_then_unread() -> None:
    """A page of a proxy is no answer: asked so often and no more, then said as it is."""
    double = Double(rows=[row(1)], instead=lambda _: HTML)

    seen = without_waiting(double.client().verify, ["r1"])

    assert len(double.asked) == TRIES
    assert "answered text/html, no JSON (HTTP 502)" in seen.reason
    assert not seen.complete


def test_one_bad_answer_is_not_the_end() -> None:
    """What was HTML once and is JSON then is read."""
    answers = [HTML]
    double = Double(rows=[row(1)], instead=lambda _: answers.pop() if answers else None)

    seen = without_waiting(double.client().transactions)

    assert seen.complete


def test_a_limit_is_waited_for_as_its_headers_say() -> None:
    """After 429 nothing is asked before the time the headers tell."""
    answers = [
        Answered(
            429,
            b'{"status":false,"message":"Rate limit exceeded!","code":"rate_limited"}',
            {"x-ratelimit-reset": "37"},
        )
    ]
    double = Double(rows=[row(1)], instead=lambda _: answers.pop() if answers else None)

    async def timed() -> tuple[bool, float]:
        began = anyio.current_time()
        seen = await double.client().verify(["r1"])
        return seen.complete, anyio.current_time() - began

    complete, took_s = without_waiting(timed)
    assert complete
    assert took_s == pytest.approx(37)


def test_the_budget_is_kept() -> None:
    """In no minute more calls leave than the budget has."""
    double = Double(rows=[row(n) for n in range(70, 0, -1)], per_page=100)
    times: list[float] = []
    double.instead = lambda _: times.append(anyio.current_time())
    references = [f"r{n}" for n in range(1, 71)]

    async def read() -> None:
        seen = await double.client(calls=30).verify(references)
        assert len(seen.rows) == 70

    without_waiting(read)
    assert max(sum(t <= u < t + 60 for u in times) for t in times) == 30


def test_a_paystack_that_is_down_is_given_up_on() -> None:
    """After some references without an answer the others are not asked at all."""
    double = Double(instead=lambda _: HTML)

    seen = without_waiting(double.client().verify, [f"r{n}" for n in range(100)])

    assert len(double.asked) == 5 * TRIES
    assert not seen.complete


async def test_a_wrong_key_is_said_once_and_never_printed() -> None:
    """A refused key ends the reading; the reason is Paystack's and holds no key."""
    body = b'{"status":false,"message":"Invalid key","code":"invalid_Key"}'
    double = Double(instead=lambda _: Answered(401, body))

    seen = await double.client(key="sk_test_wrong").transactions()

    assert (seen.complete, seen.reason) == (False, "invalid_Key: Invalid key")
    assert len(double.asked) == 1


async def test_refunds_are_read_until_two_readings_are_equal() -> None:
    """A refund that comes while one reads is in the reading, whatever the shape it has."""
    refund: dict[str, JsonValue] = {"amount": 100, "currency": "NGN", "status": "pending"}
    double = Double(refunds=[{**refund, "id": 1, "transaction": 7, "transaction_reference": "r7"}])
    inner: JsonValue = {"id": 8, "reference": "r8"}
    later: list[Row] = [{**refund, "id": 2, "amount": "250", "transaction": inner}]
    double.moves = lambda: double.refunds.insert(0, later.pop()) if later else None

    seen = await double.client().refunds()

    assert seen.complete
    assert [(one.id, one.transaction, one.amount, one.reference) for one in seen.rows] == [
        (2, 8, 250, "r8"),
        (1, 7, 100, "r7"),
    ]


async def test_refunds_that_never_stand_still_are_unread() -> None:
    """If no two readings are equal, absence may not be concluded."""
    refund: dict[str, JsonValue] = {"amount": 1, "currency": "NGN", "status": "pending"}
    double = Double()

    def another() -> None:
        double.refunds.insert(0, {**refund, "transaction": 1, "id": len(double.refunds)})

    double.moves = another

    seen = await double.client().refunds()

    assert not seen.complete
    assert seen.rows


async def test_deliveries_tell_the_shops_last_answer() -> None:
    """Each event of the log is there with its trials and the code the shop answered."""
    event: dict[str, JsonValue] = {"event_name": "charge.success", "status": "Delivered"}
    payload = '{"event":"charge.success","data":{"reference":"r1"}}'
    double = Double(
        events=[
            {**event, "_id": "b", "trial_count": 2, "response_code": 200, "category_row_id": 5},
            {**event, "_id": "a", "trial_count": 1, "response_code": 0, "event_payload": payload},
        ]
    )

    seen = await double.client().deliveries()

    assert [(one.id, one.reference, one.trials, one.code) for one in seen.rows] == [
        ("b", "#5", 2, 200),
        ("a", "r1", 1, None),
    ]


async def test_without_a_log_of_events_the_ledger_is_out_of_sight() -> None:
    """An integration without the log says so, and nothing is concluded from its absence."""
    seen = await Double().client().deliveries()

    assert (seen.complete, seen.reason) == (False, NO_EVENTS_LOG)
