"""All a customer does: sign up, sign in, see the plans, buy, find the pass, write to us."""

from drill.verdict import Health
from validators.probes.journeys.checkout import CheckoutLook, by_testid
from validators.probes.journeys.look import Visit
from validators.probes.schedule import Seen


class CustomerLook(CheckoutLook):
    """A customer's whole way; the outcomes are the checkout's, and everything else has to work."""

    async def walk(self, visit: Visit) -> Seen:
        """Sign up, leave, come back, buy, and write to support even if buying does not work."""
        await self.sign_up(visit)
        await self._sign_in_again(visit)
        await self._see_plans(visit)
        bought = await self.purchase(visit)
        if bought.health is Health.DOWN:
            return bought
        await self._write_to_support(visit)
        return bought

    async def _sign_in_again(self, visit: Visit) -> None:
        page = visit.page
        visit.step = "signing out"
        await page.click(by_testid("signout"))
        visit.step = "on the sign-in page"
        await page.click(by_testid("nav-signin"))
        await page.fill(by_testid("signin-email"), visit.customer.email)
        await page.fill(by_testid("signin-password"), visit.customer.password)
        await page.click(by_testid("signin-submit"))
        await visit.arrive(by_testid("nav-dashboard"))

    async def _see_plans(self, visit: Visit) -> None:
        visit.step = "on the plans page"
        await visit.page.click(by_testid("nav-plans"))
        await visit.arrive(by_testid(f"plan-{self.spec.plan}"))

    async def _write_to_support(self, visit: Visit) -> None:
        page = visit.page
        visit.step = "on the support page"
        await page.click(by_testid("nav-support"))
        await page.fill(by_testid("support-message"), "A drill's customer says hello.")
        await page.click(by_testid("support-submit"))
        await visit.arrive(by_testid("support-thanks"))
