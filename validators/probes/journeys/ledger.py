"""What a journey asks outside its browser: Paystack's own ledger, and the inbox for the receipt."""

from typing import Literal
from urllib.parse import quote

import anyio
import httpx
from pydantic import JsonValue

from validators import moved
from validators.probes.http import at_path
from validators.probes.specs import Journey

ASK_LIMIT_S = 3.0
MAIL_LIMIT_S = 6.0
MAIL_EVERY_S = 0.2
LISTED = 100
Charge = Literal["charged", "not charged", "not known"]


class Outside:
    """Asks Paystack and the inbox; what cannot be asked is `not known`, which convicts nobody."""

    def __init__(self, spec: Journey) -> None:
        self._spec = spec
        verify = spec.paystack_verify
        self.asks_paystack = verify is not None
        self._paystack = moved.client(
            spec.resolve,
            timeout_s=ASK_LIMIT_S,
            base_url=verify.url if verify else "",
            headers={"authorization": f"Bearer {verify.key.get_secret_value()}"} if verify else {},
        )
        self._inbox = httpx.AsyncClient(trust_env=False, timeout=ASK_LIMIT_S)

    async def close(self) -> None:
        """Close the clients."""
        await self._paystack.aclose()
        await self._inbox.aclose()

    async def charge_of(self, reference: str) -> Charge:
        """Whether Paystack holds a successful payment of this reference."""
        body = await self._ask(f"/transaction/verify/{quote(reference, safe='')}")
        status = at_path(body, "data.status")
        if status is None:
            return "not known"
        return "charged" if status == "success" else "not charged"

    async def charge_to(self, email: str) -> Charge:
        """Whether Paystack holds a successful payment of this customer, whatever its reference."""
        body = await self._ask(f"/transaction?perPage={LISTED}&status=success")
        listed = at_path(body, "data")
        if not isinstance(listed, list):
            return "not known"
        customers = {str(at_path(one, "customer.email")).lower() for one in listed}
        return "charged" if email.lower() in customers else "not charged"

    async def receipt_came(self, email: str, *about: str) -> bool | None:
        """Wait for a mail that names any of *about*; None if the inbox never answered."""
        answered = False
        with anyio.move_on_after(MAIL_LIMIT_S):
            while True:
                mails = await self._mails(email)
                answered = answered or mails is not None
                if any(word and word in text for text in mails or () for word in about):
                    return True
                await anyio.sleep(MAIL_EVERY_S)
        return False if answered else None

    async def _ask(self, path: str) -> JsonValue:
        if not self.asks_paystack:
            return None
        try:
            answer = await self._paystack.get(path)
            body: JsonValue = answer.json()
        except (httpx.HTTPError, ValueError):
            return None
        return body if answer.is_success else None

    async def _mails(self, email: str) -> list[str] | None:
        try:
            answer = await self._inbox.get(f"{self._spec.inbox}/api/messages", params={"to": email})
            mails: JsonValue = answer.json() if answer.is_success else None
        except (httpx.HTTPError, ValueError):
            return None
        if not isinstance(mails, list):
            return None
        return [f"{at_path(mail, 'subject')}\n{at_path(mail, 'text')}" for mail in mails]
