"""What the customers of each stratum do: one short story each."""

import threading
import time
from collections.abc import Callable, Mapping

import msgspec

from drill.payments import Stratum
from experiments.load.buyer import AGAIN_S, LOOKS, Buyer
from experiments.load.tab import Tab
from experiments.load.wire import PURCHASE_LIMIT_S, short

POOL_WAIT_S, POOL_LOOK_S = 20.0, 0.2
OK = 200
CONTROL_GONE = "cannot be done here"


def live(buyer: Buyer) -> None:
    """A customer's whole purchase, from the door on."""
    with buyer.world.open_tab() as tab:
        if buyer.enter(tab):
            tab.get("/plans")
            buyer.think()
            STORIES[buyer.purchase.stratum](buyer, tab)
    buyer.conclude()


def pays(buyer: Buyer, tab: Tab) -> None:
    """Buys, pays, comes back and looks at the dashboard."""
    url = buyer.press_buy(tab)
    if url:
        _pay_and_return(buyer, tab, url)
    _look(buyer, tab)


def buys_in_two_tabs(buyer: Buyer, tab: Tab) -> None:
    """Presses the button in two tabs at once, and pays in each."""
    with buyer.world.open_tab() as other:
        if not buyer.enter(other):
            pays(buyer, tab)
            return
        urls = _both(lambda: buyer.press_buy(tab), lambda: buyer.press_buy(other))
        for where, url in zip((tab, other), urls, strict=True):
            if url:
                _pay_and_return(buyer, where, url)
        _look(buyer, tab)


def tries_again_after_unknown(buyer: Buyer, tab: Tab) -> None:
    """Pays, loses the page on the way back, and buys again in a new session."""
    url = buyer.press_buy(tab)
    if url:
        page = buyer.pay(tab, url)
        buyer.tell("unknown", "page", f"the tab was lost after paying (HTTP {page.status})")
    buyer.think()
    with buyer.world.open_tab() as later:
        if buyer.enter(later):
            pays(buyer, later)


def pays_late(buyer: Buyer, tab: Tab) -> None:
    """Opens the payment, leaves it or cancels it, and pays on the same page after a while."""
    url = buyer.press_buy(tab)
    if not url:
        _look(buyer, tab)
        return
    tab.hosted("GET", url)
    if buyer.purchase.way == "cancel":
        buyer.cancel(tab, url)
    buyer.wait(buyer.purchase.wait_s)
    _pay_and_return(buyer, tab, url)
    _look(buyer, tab)


def wants_money_back(buyer: Buyer, tab: Tab) -> None:
    """Pays, has it, and asks for all of the money or for a part of it."""
    pays(buyer, tab)
    if buyer.said != "paid" or not buyer.order:
        return
    if not buyer.world.site.refund_path:
        return  # The plan says so: nobody can ask for a refund here.
    buyer.think()
    partly = buyer.purchase.stratum == "refund_partial"
    price = buyer.world.site.prices[buyer.purchase.product]
    buyer.ask_refund(tab, round(price * buyer.purchase.share) if partly else None)


def is_refused(buyer: Buyer, tab: Tab) -> None:
    """Pays with a card that is declined or has no funds, and gives up."""
    url = buyer.press_buy(tab)
    if not url:
        return
    page = buyer.pay(tab, url)
    back = page.elements.get("return")
    if page.location:
        buyer.come_back(tab, page.location)
    elif back:
        buyer.remember_reference(back.attributes.get("href", ""))
        buyer.come_back(tab, back.attributes.get("href", ""))
    elif buyer.purchase.way == "cancel":
        buyer.cancel(tab, url)


def abandons(buyer: Buyer, tab: Tab) -> None:
    """Opens the payment and does not pay: closes the tab, cancels, or comes back as if paid."""
    url = buyer.press_buy(tab)
    if not url:
        return
    tab.hosted("GET", url)
    buyer.think()
    if buyer.purchase.way == "close":
        buyer.tell("never", "page", "the tab was closed on Paystack's page")
        return
    buyer.cancel(tab, url)
    if buyer.purchase.way == "return" and buyer.reference:
        back = f"/checkout/callback?trxref={buyer.reference}&reference={buyer.reference}"
        buyer.follow(tab, tab.get(back, "/checkout/callback"))


def cheats(buyer: Buyer, tab: Tab) -> None:
    """Comes back unpaid, with the reference of somebody who has paid or with a made-up status."""
    url = buyer.press_buy(tab)
    if not url:
        return
    other = _paid_by_another(buyer) if buyer.purchase.way == "replay" else ""
    if other:
        back = f"/checkout/callback?trxref={other}&reference={other}"
    else:
        buyer.cancel(tab, url)
        back = f"/checkout/callback?trxref={buyer.reference}&reference={buyer.reference}"
        back += "&status=success"
    # What that page says is about another's payment, unless it shows an order as this customer's.
    buyer.follow(tab, tab.get(back, "/checkout/callback"), own=not other)
    if other:
        buyer.see_pass(tab, looks=1)


def pays_too_little(buyer: Buyer, tab: Tab) -> None:
    """Pays, and Paystack takes less than the price: only a sandbox can be asked to do that."""
    if not buyer.world.site.sandbox:
        text = f"paying too little {CONTROL_GONE}: the environment names no sandbox's control port"
        buyer.tell("unsent", "load", text)
        return
    url = buyer.press_buy(tab)
    if not url:
        return
    path = f"/faults/load-{buyer.purchase.id}"
    share = {"kind": "underpaid", "paid_share": buyer.purchase.share, "only": buyer.errand.email}
    # It lapses within seconds by itself: whoever thinks longer than that pays the price.
    answer = tab.control("PUT", path, msgspec.json.encode(share))
    if answer.status != OK:
        why = answer.problem or f"HTTP {answer.status} {answer.text}"
        buyer.tell("never", "load", short(f"paying too little {CONTROL_GONE}: {why}"))
        return
    try:
        _pay_and_return(buyer, tab, url, looks=1)
    finally:
        tab.control("DELETE", path)
    if buyer.said == "unknown":
        buyer.write_to_support(tab)


def _pay_and_return(buyer: Buyer, tab: Tab, url: str, looks: int = LOOKS) -> None:
    page = buyer.pay(tab, url)
    if page.location:
        # Before this customer is back, so that a cheat may come first.
        if buyer.reference:
            buyer.world.paid_references.append(buyer.reference)
        buyer.come_back(tab, page.location, looks)


def _look(buyer: Buyer, tab: Tab) -> None:
    """Look for what was bought; who still does not know then writes to people."""
    if buyer.said in ("paid", "unknown") and not buyer.see_pass(tab) and buyer.said == "unknown":
        buyer.write_to_support(tab)


def _both(first: Callable[[], str], second: Callable[[], str]) -> tuple[str, str]:
    """Do two things at once; a thread is one of the process's own light ones."""
    results = ["", ""]

    def run(place: int, act: Callable[[], str]) -> None:
        results[place] = act()

    threads = [
        threading.Thread(target=run, args=(place, act), daemon=True)
        for place, act in enumerate((first, second))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PURCHASE_LIMIT_S)
    return results[0], results[1]


def _paid_by_another(buyer: Buyer) -> str:
    """A reference that somebody has paid; empty if nobody has, for as long as we wait."""
    until = time.monotonic() + min(POOL_WAIT_S, buyer.left_s - AGAIN_S)
    while not buyer.world.paid_references and time.monotonic() < until:
        time.sleep(POOL_LOOK_S)
    pool = buyer.world.paid_references
    return pool[-1] if pool else ""


STORIES: Mapping[Stratum, Callable[[Buyer, Tab], None]] = {
    "plain": pays,
    "pin": pays,
    "two_tabs": buys_in_two_tabs,
    "retry_after_unknown": tries_again_after_unknown,
    "late_success": pays_late,
    "refund_full": wants_money_back,
    "refund_partial": wants_money_back,
    "declined": is_refused,
    "insufficient": is_refused,
    "abandoned": abandons,
    "replayed": cheats,
    "underpaid": pays_too_little,
}
