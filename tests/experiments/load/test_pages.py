"""What the shop's own pages mean for an intent: rendered from the bundled staging's templates."""

from types import SimpleNamespace

import pytest

from experiments.load.pages import Page, Statement, statement
from tests.experiments.load.shop import BANK_PAGES, SHOP_PAGES, template
from tests.staging.module import STAGING


def order_page(state: str, outcome: str) -> str:
    order = SimpleNamespace(
        id="ord_1", state=state, email="a@b.c", amount=1, currency="NGN", paid_reference="van-1"
    )
    product = SimpleNamespace(title="Pass", name="creator-pass")
    return template(SHOP_PAGES, "order.html", order=order, product=product, outcome=outcome)


def checkout_page(outcome: str, reason: str) -> str:
    context = {"outcome": outcome, "reason": reason, "order_id": "ord_1", "product": "p"}
    return template(SHOP_PAGES, "checkout.html", **context)


def told(text: str, *, payable: bool = True) -> Statement:
    return statement(Page(200, text), payable=payable)


@pytest.mark.parametrize(
    ("state", "outcome", "said"),
    [
        ("fulfilled", "paid", "paid"),
        ("paid", "paid", "paid"),
        ("open", "pending", "unknown"),
        ("open", "failed", "refused"),
        ("cancelled", "cancelled", "refused"),
        ("refunding", "cancelled", "corrected"),
        ("refunded", "cancelled", "corrected"),
    ],
)
def test_an_orders_page_is_taken_at_its_word(state: str, outcome: str, said: str) -> None:
    """
    What an order's page says of the payment is what its customer was told, with the order's name.
    """
    heard = told(order_page(state, outcome))

    assert (heard.said, heard.order) == (said, "ord_1")
    assert heard.reference == ("van-1" if state == "fulfilled" else "")


@pytest.mark.parametrize(
    ("outcome", "reason", "said"),
    [
        ("unavailable", "unavailable", "refused"),
        ("unavailable", "closed", "refused"),
        ("pending", "pending", "unknown"),
        ("cancelled", "cancelled", "refused"),
        ("failed", "failed", "refused"),
        ("paid", "elsewhere", "unknown"),
        ("pending", "elsewhere", "unknown"),
    ],
)
def test_a_checkout_page_is_taken_at_its_word(outcome: str, reason: str, said: str) -> None:
    """
    A page after buying says paid, refused or unknown; one about another's payment says nothing.
    """
    assert told(checkout_page(outcome, reason)).said == said


@pytest.mark.parametrize(
    ("buying", "payable", "said"),
    [(True, False, "refused"), (True, True, "unknown"), (False, True, "unknown")],
)
def test_nothing_charged_by_this_click_is_no_word_on_earlier_ones(
    buying: bool, payable: bool, said: str
) -> None:
    """
    Without its database the shop speaks of one click: who may have paid before is told nothing.
    """
    page = template(SHOP_PAGES, "away.html", buying=buying, checking=not buying)

    assert told(page, payable=payable).said == said


def test_a_claim_in_words_outweighs_the_label() -> None:
    """
    A page that says in words that nothing was charged is a refusal, whatever its label says.
    """
    page = '<p data-testid="checkout-message" data-outcome="pending">You have not been charged.</p>'

    assert told(page).said == "refused"


def test_no_answer_and_no_message_leave_the_customer_without_a_word() -> None:
    """
    A time-out, nginx's own page and an error page say nothing about the payment, and say why.
    """
    nginx = (STAGING / "nginx/away.html").read_text()

    assert statement(Page(0, problem="no answer"), payable=True) == Statement(
        "unknown", "no answer"
    )
    assert told(nginx).detail.startswith("HTTP 200, away: The shop cannot be reached just now.")
    assert statement(Page(500, "<p>oops"), payable=True).said == "unknown"


def test_paystacks_page_shows_what_it_asks_for() -> None:
    """
    The hosted page's fields are found by the same ids.
    """
    row = SimpleNamespace(email="e", stage="pin", access_code="x", attempts=1, gateway_response="?")
    page = Page(200, template(BANK_PAGES, "hosted.html", row=row, amount="1"))

    assert "card-pin" in page.elements
    assert "card-number" not in page.elements
