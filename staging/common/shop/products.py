"""The price list."""

from __future__ import annotations

from dataclasses import dataclass

from shop import bugs


@dataclass(frozen=True)
class Product:
    """Something for sale; the price is in subunits (kobo)."""

    name: str
    title: str
    amount: int
    currency: str
    once_only: bool
    pitch: str

    @property
    def charged(self) -> int:
        """What an order of it costs, and what Paystack is asked for."""
        return self.amount * 100 if bugs.planted("hundredfold_price") else self.amount

    @property
    def price(self) -> str:
        return money(self.amount, self.currency)


def money(amount: int, currency: str) -> str:
    """An amount in subunits as people read it."""
    sign = "₦" if currency == "NGN" else f"{currency} "
    return f"{sign}{amount / 100:,.2f}"


PRODUCTS = {
    product.name: product
    for product in (
        Product(
            "creator-pass",
            "Creator Pass",
            500_000,
            "NGN",
            once_only=True,
            pitch="Every workshop, template and community room, for as long as we exist.",
        ),
        Product(
            "lore-pack",
            "Lore Pack",
            150_000,
            "NGN",
            once_only=False,
            pitch="Fifty lore prompts, written by storytellers from nine countries.",
        ),
        Product(
            "studio-hour",
            "Studio Hour",
            1_200_000,
            "NGN",
            once_only=False,
            pitch="One hour with a producer, recorded and mixed.",
        ),
    )
}
