"""The payment script on js.paystack.co."""

from __future__ import annotations

import pytest

from tests.staging.sandbox.inside import Inside, part, site

pytestmark = pytest.mark.anyio
ADDRESS = "/v2/inline.js"


async def test_the_script_says_that_it_is_there(inside: Inside) -> None:
    """A page that loads it finds Paystack's name with a version, and no browser keeps a copy."""
    async with site(inside.sandbox.app, "js.paystack.co") as cdn:
        answer = await cdn.get(ADDRESS)
        nothing = await cdn.get("/")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-store"
    assert (
        f'window.PaystackPop = Object.freeze({{ version: "{part("inline").VERSION}"' in answer.text
    )
    assert nothing.status_code == 404


async def test_the_script_is_no_part_of_the_api(inside: Inside) -> None:
    """No key is asked for, no fault of the API bites it, and the API does not serve it."""
    await inside.put("error", "f1")
    biting = part("biting").Biting(inside.sandbox.app, inside.sandbox.board)

    async with site(biting, "js.paystack.co") as cdn:
        assert (await cdn.get(ADDRESS)).status_code == 200
    assert (await inside.api.get(ADDRESS)).status_code == 500
    await inside.control.delete("/faults/f1")
    assert (await inside.api.get(ADDRESS)).status_code == 404
