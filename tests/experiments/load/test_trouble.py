"""Customers in trouble: answers that are lost, doors that are shut, and what they are told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from drill.payments import Begun, Stratum
from experiments.load.purchases import Way
from experiments.load.tab import Tab, TooLate, make_network
from experiments.load.wire import Message
from tests.experiments.load.conftest import Town


def test_a_lost_refund_is_not_asked_for_again(town: Town) -> None:
    """
    An answer that never came leaves the customer not knowing, and one request.
    """
    town.shop.broken["/api"] = 1
    town.live("refund_full")

    assert town.told()[-1] == ("unknown", "request")
    assert town.shop.seen["/api"] == 1


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
    town.shop.broken |= {"/checkout": 1000, "/dashboard": 1000}
    town.live("plain")

    assert town.shop.support == ["i1-r@drill.test"]


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


def test_who_is_signed_out_signs_in_again_and_buys(town: Town) -> None:
    """
    A session that the shop has forgotten costs a sign-in, not the purchase.
    """
    buyer = town.buyer("plain")
    with town.world.open_tab() as tab:
        assert buyer.enter(tab)
        town.shop.sessions.clear()
        assert buyer.press_buy(tab).startswith("https://checkout.paystack.com/")

    assert town.shop.seen["/signin"] == 1


def test_an_account_whose_making_was_never_confirmed_is_entered(town: Town) -> None:
    """
    Where the answer to signing up was lost, the account is there and the customer signs in.
    """
    town.shop.accounts["i1-r@drill.test"] = "?"
    town.live("plain")

    assert town.told()[-1] == ("paid", "dashboard")


def test_a_hosted_page_that_gets_lost_is_looked_at_again(town: Town) -> None:
    """
    Paystack's page is loaded again, never sent again, and its payment is captured once.
    """
    buyer = town.buyer("plain")
    with town.world.open_tab() as tab:
        assert buyer.enter(tab)
        url = buyer.press_buy(tab)
        town.shop.broken[f"/{url.rpartition('/')[2]}"] = 1
        buyer.come_back(tab, buyer.pay(tab, url).location)

    assert town.told() == [("unknown", "page"), ("paid", "page")]
    assert town.shop.captures == {"i1-r@drill.test": 1}


def test_a_good_card_that_paystack_refuses_is_a_refusal(town: Town) -> None:
    """
    Whoever means to pay and is refused on Paystack's page has been told so.
    """
    town.live("plain", card="declined")

    assert town.told() == [("refused", "page")]
    assert not town.shop.captures


def test_a_shop_that_is_not_there_was_sent_nothing(town: Town) -> None:
    """
    Without any connection no byte of the purchase left, and that is certain.
    """
    buyer = town.buyer("plain")
    gone = town.nowhere()
    with gone.open_tab() as tab:
        buyer.world = gone
        assert buyer.press_buy(tab) == ""
    buyer.conclude()

    assert town.kinds() == ["Begun"]
    assert town.told() == [("unknown", "page"), ("unsent", "load")]


def test_a_request_has_a_limit_of_its_own(town: Town) -> None:
    """
    An answer that comes too late is none, and the next request does not get it.
    """

    @contextmanager
    def too_late(_: float) -> Iterator[None]:
        yield
        raise TooLate

    network = make_network(town.site, too_late, town.asked.append)
    with Tab(network) as tab:
        page = tab.get("/plans")

    assert (page.status, page.problem) == (0, "no whole answer within 10 s")
    assert [asked.problem for asked in town.asked] == [page.problem]


def test_the_second_tab_of_a_stranger_leaves_one_tab(town: Town) -> None:
    """
    If the second session cannot be opened the customer buys in the first.
    """
    town.shop.refuse_signin = True
    town.live("two_tabs")

    assert town.shop.seen["/buy"] == 1
    assert town.told()[-1] == ("paid", "dashboard")


def test_without_a_place_for_refunds_nobody_asks(town: Town) -> None:
    """
    Where no refund can be asked for the purchase ends with the pass.
    """
    town.poor().live("refund_full")

    assert town.kinds() == ["Begun"]
    assert town.told()[-1] == ("paid", "dashboard")


def test_a_cheat_whom_nobody_precedes_tampers(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where nobody has paid yet there is no reference to replay, and the own one is tampered with.
    """
    monkeypatch.setattr("experiments.load.stories.POOL_WAIT_S", 0.01)
    town.live("replayed", way="replay")

    assert town.told() == [("refused", "page"), ("unknown", "page")]


@pytest.mark.parametrize(
    ("stratum", "way"),
    [
        ("late_success", "cancel"),
        ("declined", ""),
        ("abandoned", "close"),
        ("replayed", "tamper"),
        ("retry_after_unknown", ""),
        ("plain", ""),
        ("refund_full", ""),
    ],
)
def test_whoever_owns_it_already_is_told_so(town: Town, stratum: Stratum, way: Way) -> None:
    """
    A button that leads to a paid order instead of Paystack's page ends every story in order.
    """
    town.live("plain")
    del town.said[:]
    town.live(stratum, way=way)

    assert town.told()[0] == ("paid", "page")
    assert town.shop.captures == {"i1-r@drill.test": 1}
