"""Paystack's published test cards, and what each does on the hosted page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# captured: money moved. declined: this card will not do, another may. failed: the charge is over.
Outcome = Literal["captured", "declined", "failed"]


@dataclass(frozen=True)
class Card:
    """A test card: what it asks for, how it ends, and how its refunds end."""

    number: str
    cvv: str
    outcome: Outcome = "captured"
    says: str = "Successful"
    pin: str | None = None
    otp: str | None = None
    brand: str = "visa"
    bank: str = "TEST BANK"
    refund: Literal["processed", "failed", "needs-attention"] = "processed"


NOT_GENERATED = "Token Not Generated. Customer Not Registered on Token Platform"
CARDS = {
    card.number: card
    for card in (
        Card("4084084084084081", "408"),
        Card("507850785078507812", "081", pin="1111", brand="verve"),
        Card("5060666666666666666", "123", pin="1234", otp="123456", brand="verve"),
        Card("507850785078507853", "082", "failed", NOT_GENERATED, pin="0000", brand="verve"),
        Card("4084080000005408", "001", "declined", "Declined"),
        Card("4084080000670037", "787", "failed", "Insufficient Funds"),
        Card("4084080000671803", "180", refund="failed"),
        Card("4084080000671902", "190", refund="needs-attention"),
    )
}
NOT_A_TEST_CARD = "Transaction declined. Please use the test card."


def find(number: str, cvv: str) -> Card | None:
    """The test card with this number and security code."""
    card = CARDS.get("".join(filter(str.isdigit, number)))
    return card if card and card.cvv == cvv.strip() else None
