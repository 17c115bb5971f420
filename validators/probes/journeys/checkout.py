"""From the plans page through Paystack's hosted page to the receipt."""

from drill.verdict import Health
from validators.probes.cards import paying_card
from validators.probes.journeys.look import BrokenOffError, JourneyLook, Visit
from validators.probes.schedule import Seen

MESSAGE = '[data-testid="checkout-message"]'
CLOSED = '[data-testid="checkout-closed"]'
PAYSTACK_FORM = '[data-testid="card-number"]'
PIN, OTP = '[data-testid="card-pin"]', '[data-testid="card-otp"]'
CARD_ERROR = '[data-testid="card-error"]'
RECEIPT = '[data-testid="receipt"]'
# What a shop says when it cannot sell, clearly and without having taken money.
POLITE = ("unavailable", "pending")


def by_testid(name: str) -> str:
    """The selector of a `data-testid`."""
    return f'[data-testid="{name}"]'


class CheckoutLook(JourneyLook):
    """
    Buys a plan as a new customer.

    `ok`: paid, granted, in Paystack's ledger, and the receipt came. `degraded`: told clearly that
    buying does not work now, and not charged. `limited`: looks fine, but who had to confirm it
    could not be asked. Else `down`.
    """

    async def walk(self, visit: Visit) -> Seen:
        """Sign up, and buy."""
        await self.sign_up(visit)
        return await self.purchase(visit)

    async def sign_up(self, visit: Visit) -> None:
        """Make an account; the customer is on the plans page then."""
        page = visit.page
        visit.step = "on the sign-up page"
        await page.goto(f"{self.web}/signup")
        await visit.arrive(by_testid("signup-email"))
        await page.fill(by_testid("signup-email"), visit.customer.email)
        await page.fill(by_testid("signup-password"), visit.customer.password)
        await page.click(by_testid("signup-submit"))
        visit.step = "after signing up"
        await visit.arrive(by_testid(f"plan-{self.spec.plan}"))

    async def purchase(self, visit: Visit) -> Seen:
        """Buy, from the plans page to the receipt."""
        refused = await self._to_paystack(visit)
        if refused:
            return refused
        await self._pay(visit)
        return await self._judge_receipt(visit)

    async def _to_paystack(self, visit: Visit) -> Seen | None:
        visit.step = "on the plans page"
        await visit.arrive(by_testid(f"plan-{self.spec.plan}"))
        if await visit.shows(CLOSED):
            return await self._polite(visit, "buying is switched off")
        buy = by_testid(f"buy-{self.spec.plan}")
        # A page that has to load something first, or cannot, keeps its button off.
        await visit.arrive(f"{buy}:not(:disabled)", MESSAGE)
        if await visit.shows(MESSAGE):
            return await self._told(visit)
        visit.step = "on the way to Paystack"
        # Whatever became of the button by now: one that was just switched off has its message.
        await visit.page.click(buy, force=True)
        await visit.arrive(PAYSTACK_FORM, MESSAGE)
        if await visit.shows(PAYSTACK_FORM):
            return None
        return await self._told(visit)

    async def _pay(self, visit: Visit) -> None:
        page, card = visit.page, paying_card(self.spec.card)
        visit.step = "at the Paystack page"
        await page.fill(PAYSTACK_FORM, card.number)
        await page.fill(by_testid("card-expiry"), card.expiry)
        await page.fill(by_testid("card-cvv"), card.cvv)
        visit.card_typed = True
        await page.click(by_testid("pay"))
        for asked, answer in ((PIN, card.pin), (OTP, card.otp)):
            if answer:
                await page.fill(asked, answer)
                await page.click(by_testid("pay"))
        visit.step = "coming back from Paystack"
        await visit.arrive(RECEIPT, MESSAGE, CARD_ERROR)
        if await visit.shows(CARD_ERROR):
            visit.step = "at the Paystack page"
            text = await page.locator(CARD_ERROR).inner_text()
            raise BrokenOffError(f"the test card was refused: {text.strip()[:60]}")
        # A page that says "pending" follows the order by itself, up to the journey's limit.
        visit.step = "waiting for the receipt"
        await visit.arrive(RECEIPT)

    async def _judge_receipt(self, visit: Visit) -> Seen:
        page = visit.page
        reference = (await page.locator(by_testid("payment-reference")).inner_text()).strip()
        order = (await page.locator(by_testid("order-id")).first.inner_text()).strip()
        visit.step = "on the dashboard"
        await page.goto(f"{self.web}/dashboard")
        mine = by_testid(f"pass-{self.spec.plan}")
        await visit.arrive(mine, by_testid("no-passes"))
        if not await visit.shows(mine):
            raise BrokenOffError("the shop says paid, but there is no pass")
        visit.step = "in Paystack's ledger"
        charge = await self.outside.charge_of(reference)
        if charge == "not charged":
            return Seen(Health.DOWN, f"{visit.step}: no success, though the shop says paid")
        if charge == "not known" and self.outside.asks_paystack:
            return Seen(Health.LIMITED, f"{visit.step}: could not be asked; the shop says paid")
        return await self._judge_mail(visit, order, reference)

    async def _judge_mail(self, visit: Visit, order: str, reference: str) -> Seen:
        if not self.spec.inbox:
            return Seen(Health.OK)
        visit.step = "in the inbox"
        came = await self.outside.receipt_came(visit.customer.email, order, reference)
        if came is None:
            return Seen(Health.LIMITED, f"{visit.step}: could not be asked; paid and granted")
        if not came:
            return Seen(Health.DOWN, f"{visit.step}: paid and granted, but no receipt came")
        return Seen(Health.OK)

    async def _told(self, visit: Visit) -> Seen:
        """The shop answers with a message instead of Paystack's page."""
        outcome = await visit.page.locator(MESSAGE).get_attribute("data-outcome")
        if outcome not in POLITE:
            raise BrokenOffError(f"the shop says '{outcome}'")
        return await self._polite(visit, f"the shop says '{outcome}'")

    async def _polite(self, visit: Visit, said: str) -> Seen:
        visit.refusal = await visit.page.screenshot()
        if await self.outside.charge_to(visit.customer.email) == "charged":
            return Seen(Health.DOWN, f"{visit.step}: {said}, but the customer was charged")
        return Seen(Health.DEGRADED, f"{visit.step}: {said}, nobody was charged")
