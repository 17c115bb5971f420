"""Each stratum is carried out for real, over HTTP and TLS; what the customer is told is kept."""

import random
import threading
import time

import msgspec
import pytest

from drill.payments import Begun, Told
from experiments.load.buyer import Buyer
from experiments.load.purchases import Card, Way
from experiments.load.visitor import Visitor
from experiments.load.wire import Message
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


def test_begun_is_written_before_the_first_byte_of_the_purchase(town: Town) -> None:
    """
    The record that an intent begins is out before the button is pressed, and only once.
    """
    seen: list[int] = []
    town.shop.broken["/buy"] = 1

    def watch(message: Message) -> None:
        if isinstance(message, Begun):
            seen.append(town.shop.seen["/buy"])
        town.said.append(message)

    town._replace(world=msgspec.structs.replace(town.world, say=watch)).live("plain")

    assert seen == [0]
    assert town.shop.seen["/buy"] == 2
    assert town.told()[0] == ("unknown", "page")


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


def test_a_lost_refund_is_not_asked_for_again(town: Town) -> None:
    """
    An answer that never came leaves the customer not knowing, and one request.
    """
    town.shop.broken["/api"] = 1
    town.live("refund_full")

    assert town.told()[-1] == ("unknown", "request")
    assert town.shop.seen["/api"] == 1


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


def test_closed_checkout_is_tried_again_until_it_opens(town: Town) -> None:
    """
    Who is told that nothing was charged and to come back later does so.
    """
    town.shop.closed = True
    opening = threading.Timer(0.1, lambda: setattr(town.shop, "closed", False))
    opening.start()
    town.live("plain")
    opening.join()

    assert town.told() == [
        ("refused", "page"),
        ("corrected", "request"),
        ("paid", "page"),
        ("paid", "dashboard"),
    ]


def test_a_refusal_after_the_payment_stays_a_claim(town: Town) -> None:
    """
    Who has paid and is told that nothing was charged is not said to have gone on to pay.
    """
    buyer = town.buyer("plain")
    with town.world.open_tab() as tab:
        assert buyer.enter(tab)
        buyer.pay(tab, buyer.press_buy(tab))
        buyer.tell("refused", "page", "you have not been charged")
        assert buyer.press_buy(tab) == ""

    assert town.told() == [("refused", "page"), ("paid", "page")]


def test_a_lost_answer_after_the_capture_is_looked_for_and_not_paid_again(town: Town) -> None:
    """
    With the way back lost the customer knows nothing, looks again, and is told; one capture.
    """
    town.shop.broken["/checkout"] = 2
    town.live("plain")

    assert town.told() == [("unknown", "page"), ("paid", "page"), ("paid", "dashboard")]
    assert town.shop.captures == {"i1-r@drill.test": 1}


def test_nobody_is_charged_for_a_door_that_is_shut(town: Town) -> None:
    """
    Who cannot even sign in has certainly bought nothing.
    """
    town.shop.broken["/signup"] = 1000
    town.live("plain")

    assert town.told() == [("unsent", "load")]
    assert town.kinds() == []


def test_who_never_knows_writes_to_support(town: Town) -> None:
    """
    A customer who paid and is never told writes to people.
    """
    town.shop.broken["/checkout"] = 1000
    buyer = town.live("plain")

    assert town.shop.support == ["i1-r@drill.test"]
    assert isinstance(buyer, Buyer)


def test_the_same_word_twice_is_written_once(town: Town) -> None:
    """
    Looking again and again at a page that says the same makes one statement.
    """
    town.shop.broken["/checkout"] = 5
    town.live("plain")

    assert town.told().count(("unknown", "page")) == 1


def test_no_customer_leaves_the_shop(town: Town) -> None:
    """
    Neither another site's address nor another host's payment page is ever visited.
    """
    with town.world.open_tab() as tab:
        away = tab.get("https://elsewhere.example/x")
        bank = tab.hosted("GET", "https://elsewhere.example/x")

    assert (away.sent, bank.sent) == (False, False)
    assert town.asked == []


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
