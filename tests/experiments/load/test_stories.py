"""Each stratum is carried out for real, over HTTP and TLS; what the customer is told is kept."""

import random
import threading
import time

import msgspec
import pytest

from drill.payments import Told
from experiments.load.purchases import Card, Way
from experiments.load.visitor import Visitor
from tests.experiments.load.conftest import Town


@pytest.mark.parametrize("card", ["captured", "pin", "pin_otp"])
def test_who_pays_is_told_so_twice(town: Town, card: Card) -> None:
    """
    A purchase that works is paid once, and page and dashboard say so with order and reference.
    """
    town.live("plain", card=card)

    assert town.told() == [("paid", "page"), ("paid", "dashboard")]
    last = town.said[-1]
    assert isinstance(last, Told)
    assert (last.order, last.reference) == (town.shop.orders[0].id, town.shop.orders[0].reference)
    assert town.shop.captures == {"i1-r@drill.test": 1}


def test_two_tabs_are_one_purchase_of_two_sessions(town: Town) -> None:
    """
    Two sessions of one customer press the button at once, and both go on to pay.
    """
    first, arrived = threading.Event(), town.shop.seen
    town.shop.hold["/buy"] = first
    life = threading.Thread(target=town.live, args=("two_tabs",))
    life.start()
    until = time.monotonic() + 10
    while arrived["/buy"] < 2 and time.monotonic() < until:
        time.sleep(0.01)
    both = arrived["/buy"]
    first.set()
    life.join()

    assert both == 2
    assert len(town.shop.sessions) == 2
    assert town.shop.captures == {"i1-r@drill.test": 1}
    assert ("paid", "page") in town.told()


def test_retry_after_unknown_buys_again_in_a_new_session(town: Town) -> None:
    """
    Who lost the page after paying presses the button again, elsewhere, and learns that it is paid.
    """
    town.live("retry_after_unknown")

    assert town.told()[0] == ("unknown", "page")
    assert town.told()[-1] == ("paid", "dashboard")
    assert town.shop.seen["/buy"] == 2
    assert len(town.shop.sessions) == 2


@pytest.mark.parametrize(
    ("way", "first"), [("close", ("paid", "page")), ("cancel", ("refused", "page"))]
)
def test_late_success_pays_on_a_page_that_was_left(
    town: Town, way: Way, first: tuple[str, str]
) -> None:
    """
    A payment that was left or cancelled is paid later, on the same page.
    """
    town.live("late_success", way=way)

    assert town.told()[0] == first
    assert (("corrected", "request") in town.told()) == (way == "cancel")
    assert town.told()[-1] == ("paid", "dashboard")
    assert town.shop.seen["/buy"] == 1


@pytest.mark.parametrize(
    ("stratum", "body"), [("refund_full", b""), ("refund_partial", b'{"amount":250000}')]
)
def test_a_refund_is_written_down_and_then_asked_for(town: Town, stratum: str, body: bytes) -> None:
    """
    Who has what was bought asks for all or a part of the money, and the shop's yes is a correction.
    """
    town.live(stratum)  # type: ignore[arg-type]

    assert town.kinds() == ["Begun", "RefundAsked"]
    assert town.shop.refunds == [(town.shop.orders[0].id, body)]
    assert town.told()[-1] == ("corrected", "request")


@pytest.mark.parametrize(
    ("card", "way", "told"),
    [
        ("declined", "close", [("refused", "page")]),
        ("declined", "cancel", [("refused", "page"), ("refused", "page")]),
        ("insufficient", "", [("refused", "page"), ("refused", "page")]),
    ],
)
def test_a_card_that_does_not_pay_is_refused(
    town: Town, card: Card, way: Way, told: list[tuple[str, str]]
) -> None:
    """
    A declined card and one without funds capture nothing, and the customer is told so.
    """
    town.live("insufficient" if card == "insufficient" else "declined", card=card, way=way)

    assert town.told() == told
    assert not town.shop.captures


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("close", [("never", "page")]),
        ("cancel", [("refused", "page")]),
        ("return", [("refused", "page"), ("unknown", "page")]),
    ],
)
def test_who_abandons_pays_nothing(town: Town, way: Way, told: list[tuple[str, str]]) -> None:
    """
    A closed tab tells nothing, a cancelled payment is refused, an unpaid way back is not believed.
    """
    town.live("abandoned", way=way)

    assert town.told() == told
    assert not town.shop.captures


def test_a_replay_shows_anothers_reference(town: Town) -> None:
    """
    A cheat comes back with a reference that another has paid, and it never becomes the cheat's own.
    """
    town.live("plain", ordinal=1)
    paid = town.shop.orders[0].reference
    buyer = town.live("replayed", way="replay", ordinal=2)

    assert list(town.world.paid_references) == [paid]
    assert town.told("i2") == [("unknown", "page")]
    assert (buyer.reference, buyer.order) == ("", "")
    assert town.shop.captures == {"i1-r@drill.test": 1}


def test_tampering_shows_the_own_reference_unpaid(town: Town) -> None:
    """
    A cheat comes back with a made-up status and an unpaid reference of their own.
    """
    buyer = town.live("replayed", way="tamper")

    assert town.told() == [("refused", "page"), ("unknown", "page")]
    assert buyer.reference == town.shop.orders[0].reference


def test_paying_too_little_needs_the_sandbox_and_says_so(town: Town) -> None:
    """
    Where no control port is named nothing is bought, and the record says why.
    """
    town.live("underpaid")

    told = town.said[-1]
    assert isinstance(told, Told)
    assert (told.said, told.via) == ("unsent", "load")
    assert "control port" in told.detail
    assert town.kinds() == []


def test_paying_too_little_is_asked_of_the_sandbox_for_one_customer(town: Town) -> None:
    """
    The sandbox is asked to take a part of this customer's money only, and told when it is over.
    """
    able = town.with_control()
    able.live("underpaid", share=0.4)

    (put, delete) = town.shop.faults
    asked = msgspec.json.decode(put[2])
    assert asked == {"kind": "underpaid", "paid_share": 0.4, "only": "i1-r@drill.test"}
    assert (put[0], put[1], put[3]) == ("PUT", "/faults/load-i1", "Bearer token")
    assert delete[:2] == ("DELETE", "/faults/load-i1")
    assert town.shop.captures


def test_a_sandbox_that_refuses_leaves_the_purchase_unpaid(town: Town) -> None:
    """
    Where the control port says no nothing is paid, and the record says why.
    """
    town.shop.control = 422
    town.with_control().live("underpaid")

    told = town.said[-1]
    assert isinstance(told, Told)
    assert (told.said, "HTTP 422" in told.detail) == ("never", True)
    assert not town.shop.captures


def test_visitors_use_the_features_and_buy_nothing(town: Town) -> None:
    """
    Others look at pages and write and read notes, with the feature's own key.
    """
    visitor = Visitor(town.site, random.Random(1))
    with town.world.open_tab() as tab:
        for _ in range(20):
            visitor.visit(tab)

    assert town.shop.seen["/api"] >= 2
    assert town.shop.seen["/buy"] == 0
    assert not [asked for asked in town.asked if asked.problem]
