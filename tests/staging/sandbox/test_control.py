"""The control port: faults with a lease, and what each of them does to API and money."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.staging.sandbox.inside import Inside, opened, part, site

pytestmark = pytest.mark.anyio


async def test_nothing_without_the_token(inside: Inside) -> None:
    """Whoever has not the token learns nothing and changes nothing."""
    stranger = site(inside.sandbox.control("other"), "control.test", authorization="Bearer wrong")

    answers = [
        await stranger.get("/faults"),
        await stranger.put("/faults/x", json={"kind": "error"}),
        await stranger.get("/captures"),
    ]

    assert [one.status_code for one in answers] == [401] * 3
    assert (await inside.control.get("/faults")).json()["faults"] == []


async def test_a_fault_ends_three_seconds_after_its_last_refresh(inside: Inside) -> None:
    """Nobody has to take a fault away: whoever refreshed it may die."""
    await inside.put("error", "f1")
    for _ in range(3):
        inside.clock.now += 2.9
        await inside.put("error", "f1")
    assert (await inside.api.get("/transaction")).status_code == 500

    inside.clock.now += 3.0

    assert (await inside.api.get("/transaction")).status_code == 200
    told = (await inside.control.get("/faults")).json()
    assert told["faults"] == []
    assert [(one["name"], one["bit"]) for one in told["ended"]] == [("f1", 1)]


async def test_a_refresh_keeps_the_counts(inside: Inside) -> None:
    """Refreshing the same fault goes on counting, and another one of that name begins anew."""
    await inside.put("error", "f1", count=2)
    for _ in range(3):
        await inside.api.get("/transaction")
        await inside.put("error", "f1", count=2)

    shown = (await inside.control.get("/faults/f1")).json()
    assert (shown["bit"], shown["kind"], shown["count"]) == (2, "error", 2)
    assert (await inside.put("slow", "f1", delay_s=0)).json()["bit"] == 0


async def test_taking_it_away(inside: Inside) -> None:
    """A fault that was taken away bites no more, not even when a refresh of it comes late."""
    await inside.put("error", "f1")
    await inside.api.get("/transaction")

    first = await inside.control.delete("/faults/f1")
    again = await inside.control.delete("/faults/f1")
    late = await inside.put("error", "f1")

    assert late.status_code == 409
    assert (first.json()["bit"], again.json()["bit"]) == (1, None)
    assert (await inside.control.get("/faults/f1")).status_code == 404
    assert (await inside.api.get("/transaction")).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "nothing"}, "kind"),
        ({"kind": "error", "statsu": 503}, "statsu"),
        ({"kind": "error", "status": 200}, "status"),
        ({"kind": "error", "share": 0}, "share"),
        ({"kind": "error", "routes": ["verfiy"]}, "routes"),
        ({"kind": "webhook_late", "delay_s": "long"}, "delay_s"),
        ({"kind": "slow", "done_first": 1}, "done_first"),
        ([], "kind"),
    ],
)
async def test_a_fault_with_a_mistake_is_refused(inside: Inside, body: object, field: str) -> None:
    """What is no fault is 422, names its field, and changes nothing."""
    answer = await inside.control.put("/faults/f1", json=body)

    assert answer.status_code == 422
    assert answer.json()["error"].startswith(f"{field}: ")
    assert (await inside.control.get("/faults")).json()["faults"] == []


@pytest.mark.parametrize(("share", "bitten"), [(1, 8), (0.5, 4), (0.25, 2), (0.1, 1)])
async def test_a_share_is_spread_evenly(inside: Inside, share: float, bitten: int) -> None:
    """Of eight requests a share is bitten, the first of them, by no chance."""
    await inside.put("error", share=share)

    codes = [(await inside.api.get("/transaction")).status_code for _ in range(8)]

    assert codes.count(500) == bitten
    assert codes[0] == 500


async def test_routes_and_text_choose(inside: Inside) -> None:
    """A fault bites on its routes only, and only what holds its text."""
    await inside.put("error", routes=["verify"], only="mine")

    codes = [
        (await inside.api.get(path)).status_code
        for path in ("/transaction/verify/mine-1", "/transaction/verify/other", "/transaction")
    ]

    assert codes == [500, 400, 200]


async def test_what_comes_instead_of_an_answer(inside: Inside) -> None:
    """Each kind answers as it does in the wild: JSON or HTML, with its status and headers."""
    await inside.put("rate_limited", "f1", reset_s=12)
    limited = await inside.api.get("/transaction")
    await inside.control.delete("/faults/f1")
    await inside.put("cloudflare", "f2", status=403)
    html = await inside.api.get("/transaction")

    assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
    assert limited.headers["x-ratelimit-reset"] == "12"
    assert (html.status_code, html.headers["server"]) == (403, "cloudflare")
    assert html.headers["content-type"].startswith("text/html")
    assert "Just a moment..." in html.text


async def test_a_revoked_key(inside: Inside) -> None:
    """The right key is refused in Paystack's words, and what needs none still answers."""
    await inside.put("key_revoked")

    refused = await inside.api.get("/transaction")

    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_Key")
    assert (await inside.api.get("/")).status_code == 200


async def test_the_page_is_spared_unless_it_is_named(inside: Inside) -> None:
    """A fault of the API leaves the hosted page alone."""
    made = await inside.initialize()
    await inside.put("error")

    assert (await inside.page.get(f"/{made['access_code']}")).status_code == 200
    await inside.put("error", routes=["page"])
    assert (await inside.page.get(f"/{made['access_code']}")).status_code == 500


async def test_an_answer_is_lost_after_the_work(inside: Inside) -> None:
    """The caller sees a reset; the reference is taken, the money moved, the refund asked for."""
    paid = await inside.paid(amount=1_000)
    made = await inside.initialize(reference="taken-before")
    await inside.put("answer_lost", routes=["initialize", "capture", "refund"])

    with pytest.raises(ConnectionResetError):
        await inside.initialize(reference="taken")
    with pytest.raises(ConnectionResetError):
        await inside.pay(made["access_code"])
    with pytest.raises(ConnectionResetError):
        await inside.api.post("/refund", json={"transaction": paid["id"], "amount": 1})

    assert (await inside.verify("taken"))["status"] == "abandoned"
    assert (await inside.verify("taken-before"))["status"] == "success"
    assert len((await inside.api.get("/refund")).json()["data"]) == 1


async def test_a_refusal_is_never_lost(inside: Inside) -> None:
    """Where nothing was done, the answer comes."""
    await inside.put("answer_lost", routes=["initialize"])

    assert (await inside.api.post("/transaction/initialize", json={})).status_code == 400


@pytest.mark.parametrize("status", ["ongoing", "abandoned", "pending", "processing", "queued"])
async def test_verify_lags_behind(inside: Inside, status: str) -> None:
    """A payment is not seen for a while, and then it is; verify and list each on their own."""
    await inside.put("verify_lag", "f1", lag_s=60, status=status, routes=["verify"])
    made = await inside.initialize()
    await inside.pay(made["access_code"])

    early = await inside.verify(made["reference"])
    listed = (await inside.api.get("/transaction")).json()["data"][0]
    await inside.control.delete("/faults/f1")
    late = await inside.verify(made["reference"])

    assert (early["status"], early["paid_at"], early["authorization"]) == (status, None, {})
    assert (listed["status"], late["status"]) == ("success", "success")


async def test_success_comes_late(inside: Inside) -> None:
    """The customer is done and sent back, and the money follows later: abandoned, then success."""
    await inside.put("late_success", delay_s=0)
    made = await inside.initialize(callback_url="https://shop.test/back")

    answer = await inside.pay(made["access_code"])
    early = await inside.verify(made["reference"])
    row = inside.sandbox.store.one("SELECT count(*) AS n FROM transactions WHERE settles_at > 0")

    assert answer.status_code == 303
    assert (early["status"], row["n"]) == ("abandoned", 1)


async def test_what_was_on_its_way_comes_after_a_restart(tmp_path: Path) -> None:
    """A late success is in the sandbox's file: it comes although everything was killed."""
    import asyncio

    with opened(tmp_path) as inside:
        await inside.put("late_success", delay_s=0)
        made = await inside.initialize()
        await inside.pay(made["access_code"])
    with opened(tmp_path) as inside:
        task = asyncio.create_task(inside.sandbox.settle())
        while (await inside.verify(made["reference"]))["status"] != "success":
            await asyncio.sleep(0.01)
        task.cancel()

        assert [one["event"] for one in inside.events()] == ["charge.success"]


async def test_other_money_moves_than_was_asked(inside: Inside) -> None:
    """Underpaid, in another currency, or with the fee on top: API and event agree on it."""
    await inside.put("underpaid", only="short", paid_share=0.4)
    await inside.put("wrong_currency", only="abroad", currency="USD")
    await inside.put("fee_inclusive", only="passed")

    short = await inside.paid(reference="short", amount=1_000)
    abroad = await inside.paid(reference="abroad", amount=1_000)
    passed = await inside.paid(reference="passed", amount=1_000)

    assert (short["amount"], short["requested_amount"], short["currency"]) == (400, 1_000, "NGN")
    assert (abroad["amount"], abroad["currency"]) == (1_000, "USD")
    assert passed["amount"] - passed["fees"] == passed["requested_amount"] == 1_000
    told = [json.loads(one["body"])["data"] for one in inside.events()]
    assert [one["amount"] for one in told] == [400, 1_000, passed["amount"]]


async def test_events_about_a_payment_that_nobody_made(inside: Inside) -> None:
    """Another mode's and an unknown event are signed and stored, and no money has moved."""
    await inside.put("webhook_domain", domain="live")
    await inside.put("webhook_unknown", event="charge.unheard_of")
    made = await inside.initialize()

    told = [json.loads(one["body"]) for one in inside.events()]

    assert [one["event"] for one in told] == ["charge.success", "charge.unheard_of"]
    assert told[0]["data"]["domain"] == "live"
    assert {one["data"]["reference"] for one in told} == {made["reference"]}
    assert (await inside.verify(made["reference"]))["status"] == "abandoned"


def test_every_request_has_a_route_by_which_faults_know_it() -> None:
    """No two resources share a name, and the hosted page's payment is told from its looks."""
    route_of = part("biting").route_of

    def named(line: str) -> str:
        method, path = line.split()
        return str(route_of("api.paystack.co", method, path))

    assert named("POST /transaction/initialize") == "initialize"
    assert named("GET /transaction/verify/a/b") == "verify"
    assert named("GET /transaction") == named("GET /transaction/") == "list"
    assert named("GET /transaction/17") == "fetch"
    assert named("GET /transaction/timeline/17") == "timeline"
    assert named("POST /refund") == "refund"
    assert named("GET /refund") == named("GET /refund/1") == "refunds"
    assert named("GET /") == "welcome"
    assert named("POST /integration/webhooks/events/resend") == "webhook_events"
    assert route_of("checkout.paystack.com", "POST", "/abc/pay") == "capture"
    assert route_of("checkout.paystack.com", "GET", "/abc") == "page"
    assert route_of("js.paystack.co", "GET", "/v2/inline.js") == "script"


def test_a_reset_needs_a_connection() -> None:
    """Where uvicorn's transport is not to be had, the loss is an error and no silent success."""
    with pytest.raises(ConnectionResetError):
        part("biting")._reset(lambda: None)
