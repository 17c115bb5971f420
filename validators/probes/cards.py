"""Paystack's published test cards that pay; no other number is ever typed into a payment page."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TestCard:
    """A card of Paystack's documentation and what its page asks for."""

    __test__ = False  # no test class, whatever pytest thinks of the name

    number: str
    cvv: str
    pin: str = ""
    otp: str = ""
    expiry: str = "12/30"


PAYING = {
    card.number: card
    for card in (
        TestCard("4084084084084081", "408"),
        TestCard("507850785078507812", "081", pin="1111"),
        TestCard("5060666666666666666", "123", pin="1234", otp="123456"),
    )
}
# Test cards too, but made to be declined or to stop halfway: nobody can buy with them.
NEVER_PAYING = frozenset(
    {
        "4084080000005408",
        "4084080000670037",
        "507850785078507853",
        "507850785078507804",
        "5192602720584796",
        "4084080000671803",
        "4084080000671902",
    }
)


def paying_card(text: str) -> TestCard:
    """
    Find a test card by its number, however it is spaced.

    Raises:
        ValueError: It is none of Paystack's test cards, or one that cannot pay. The message does
            not repeat the number, as it may be somebody's real card.
    """
    number = "".join(filter(str.isdigit, text))
    if number in NEVER_PAYING:
        raise ValueError("this test card cannot pay here; use 4084 0840 8408 4081")
    if number not in PAYING:
        raise ValueError(
            "this is not one of Paystack's published test cards; use 4084 0840 8408 4081"
        )
    return PAYING[number]
