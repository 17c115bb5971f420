"""Webhooks as they arrive at a merchant's endpoint, over real connections."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.staging.sandbox.inside import CARD, KEY, opened, part
from tests.staging.sandbox.served import Merchant, Post, Served
from tests.staging.stack import until

WITHIN_S = 10.0


def signed(post: Post, key: str = KEY) -> bool:
    """Whether the signature is that of the very bytes."""
    return post.signature == hmac.new(key.encode(), post.body, hashlib.sha512).hexdigest()


def arrived(shop: Merchant, reference: str, count: int = 1) -> list[Post]:
    """What came about a reference, once it was so many."""

    def look() -> list[Post]:
        posts = shop.of(reference)
        return posts if len(posts) >= count else []

    return until(look, within_s=WITHIN_S, what=f"{count} deliveries")


def logged(served: Served, reference: str) -> dict[str, Any]:
    """The event of a payment in the webhook events API."""
    number = served.verify(reference)["id"]
    found = served.api.get(f"/integration/webhooks/events/lookup?reference={number}").json()
    answer = served.api.get(f"/integration/webhooks/events/{found['data']['_id']}")
    return dict(answer.json()["data"])


def test_an_event_arrives_once_and_signed(served: Served, shop: Merchant) -> None:
    """A payment's event comes once, signed over its bytes, and the log shows payload and answer."""
    paid = served.paid()
    posts = arrived(shop, paid["reference"])
    until(
        lambda: logged(served, paid["reference"])["status"] == "Delivered",
        within_s=WITHIN_S,
        what="the log",
    )
    log = logged(served, paid["reference"])

    assert [post.event for post in posts] == ["charge.success"]
    assert signed(posts[0])
    assert log["event_payload"] == json.loads(posts[0].body)
    assert (log["trial_count"], log["response_code"]) == (1, 200)


def test_only_200_acknowledges(served: Served, shop: Merchant) -> None:
    """After 500, 201, 202 and 302 it is tried again, with the same bytes, until 200."""
    shop.codes += [500, 201, 202, 302]
    paid = served.paid()

    posts = arrived(shop, paid["reference"], 5)

    assert len({post.body for post in posts}) == 1
    assert all(signed(post) for post in posts)
    until(
        lambda: logged(served, paid["reference"])["status"] == "Delivered",
        within_s=WITHIN_S,
        what="the log",
    )
    trials = logged(served, paid["reference"])["trials"]
    assert [trial["response_code"] for trial in trials] == [500, 201, 202, 302, 200]


def test_a_hanging_endpoint_is_given_up(served: Served, shop: Merchant) -> None:
    """An answer that does not come within the limit is none: the event is sent again."""
    shop.hangs.set()
    paid = served.paid()
    arrived(shop, paid["reference"], 2)
    shop.over.set()

    trials = logged(served, paid["reference"])["trials"]
    assert trials[0]["response_code"] == 0
    assert trials[0]["response_time"] >= 2_000  # 30 s, compressed, and never less than 2 s


@pytest.mark.parametrize(
    ("schedule", "waits"),
    [("live", [180.0] * 3 + [3_600.0] * 72), ("test", [3_600.0] * 10)],
)
def test_the_schedule_is_paystacks(tmp_path: Path, schedule: str, waits: list[float]) -> None:
    """Live: four trials 3 min apart, then hourly for 72 h; test: hourly for 10 h; then no more."""
    refused = part("delivery").Trial(500, "", 0.1)
    with opened(tmp_path, schedule=schedule, time_scale=10.0) as inside:
        after = inside.sandbox.webhooks._after
        seen = [after(refused, done) for done in range(1, len(waits) + 2)]

    assert seen[:-1] == [("Pending", wait / 10) for wait in waits]
    assert seen[-1] == ("Failed", 0.0)
    assert part("delivery").Target("", KEY, 1.0).attempt_limit_s == 30.0


def test_resending_delivers_again(served: Served, shop: Merchant) -> None:
    """An event that was delivered comes once more for each time it is asked for."""
    paid = served.paid()
    arrived(shop, paid["reference"])
    identity = logged(served, paid["reference"])["_id"]

    answer = served.api.post("/integration/webhooks/events/resend", json={"ids": [identity]})

    assert answer.status_code == 200
    posts = arrived(shop, paid["reference"], 2)
    assert posts[0].body == posts[1].body


def test_dropped_it_comes_with_the_next_trial(served: Served, shop: Merchant) -> None:
    """A lost delivery is a trial without an answer, and the next one arrives."""
    with served.fault("webhook_dropped", count=1):
        paid = served.paid()
        arrived(shop, paid["reference"])

    assert logged(served, paid["reference"])["trials"][0]["response_code"] == 0


def test_dropped_for_good_it_is_failed(served: Served, shop: Merchant) -> None:
    """Lost for good, nothing comes, and the log says Failed."""
    with served.fault("webhook_dropped", for_good=True):
        paid = served.paid()
        until(
            lambda: logged(served, paid["reference"])["status"] == "Failed",
            within_s=WITHIN_S,
            what="the log",
        )

    assert shop.of(paid["reference"]) == []


def test_duplicated_it_comes_several_times(served: Served, shop: Merchant) -> None:
    """The copies of one event are the same bytes."""
    with served.fault("webhook_duplicated", copies=3):
        posts = arrived(shop, served.paid()["reference"], 3)

    assert len({post.body for post in posts}) == 1


def test_late_it_comes_late(served: Served, shop: Merchant) -> None:
    """A late event comes after its delay, and not at once when the fault is over."""
    with served.fault("webhook_late", delay_s=1):
        first = served.paid()["reference"]
        second = until(lambda: served.paid()["reference"], within_s=WITHIN_S, what="a payment")
    third = served.paid()["reference"]
    arrived(shop, third)

    assert arrived(shop, first)[0].at > arrived(shop, third)[0].at
    assert arrived(shop, second)


def test_reordered_the_second_overtakes(served: Served, shop: Merchant) -> None:
    """Of two events the one of the later payment comes first."""
    with served.fault("webhook_reordered", spread_s=1):
        first, second = served.paid()["reference"], served.paid()["reference"]
        assert arrived(shop, second)[0].at < arrived(shop, first)[0].at


def test_escaped_once_it_stays_so(served: Served, shop: Merchant) -> None:
    """What is tried again when the fault is over has the same bytes."""
    shop.codes += [500]
    with served.fault("webhook_escaped"):
        paid = served.paid()
        first = arrived(shop, paid["reference"])[0]
    _, second = arrived(shop, paid["reference"], 2)

    assert first.body.startswith(b'{\n "data"')
    assert second.body == first.body
    assert signed(second)


def test_escaped_it_is_the_same_json(served: Served, shop: Merchant) -> None:
    """The bytes are others, the content and the signature over these bytes are right."""
    with served.fault("webhook_escaped"):
        paid = served.paid(metadata={"name": "Ọlá", "url": "a/b"})
        post = arrived(shop, paid["reference"])[0]

    assert signed(post)
    assert "Ọlá".encode() not in post.body
    assert post.body.startswith(b'{\n "data"')
    compact = json.dumps(json.loads(post.body), separators=(",", ":"), ensure_ascii=False)
    assert compact.encode() != post.body
    assert post.data["metadata"] == {"name": "Ọlá", "url": "a/b"}


@pytest.mark.parametrize(
    ("kind", "settings", "lie"),
    [
        ("webhook_amount", {"factor": 0.5}, {"amount": 250_000}),
        ("webhook_currency", {"currency": "USD"}, {"currency": "USD"}),
    ],
)
def test_an_event_may_lie(
    served: Served, shop: Merchant, kind: str, settings: dict[str, object], lie: dict[str, object]
) -> None:
    """Well signed, it tells something else than verify does."""
    with served.fault(kind, **settings):
        paid = served.paid()
        post = arrived(shop, paid["reference"])[0]

    assert signed(post)
    assert post.data == post.data | lie
    assert paid != paid | lie


def test_an_event_may_name_anothers_reference(served: Served, shop: Merchant) -> None:
    """The event of a payment names the reference of an order that nobody paid."""
    other = served.initialize()["reference"]
    with served.fault("webhook_reference"):
        paid = served.paid()
        post = arrived(shop, other)[0]

    assert signed(post)
    assert post.data["id"] == paid["id"]
    assert served.verify(other)["status"] == "abandoned"


@pytest.mark.parametrize("kind", ["webhook_forged", "webhook_unsigned"])
def test_somebody_else_claims_a_payment(served: Served, shop: Merchant, kind: str) -> None:
    """For an unpaid order comes an event that is not signed with our key, nor in the log."""
    with served.fault(kind):
        made = served.initialize()
        post = arrived(shop, made["reference"])[0]

    assert post.event == "charge.success"
    assert not signed(post)
    assert (post.signature is None) == (kind == "webhook_unsigned")
    number = served.verify(made["reference"])["id"]
    looked = served.api.get(f"/integration/webhooks/events/lookup?reference={number}")
    assert looked.status_code == 404


def test_an_answer_lost_is_a_reset_on_the_wire(served: Served) -> None:
    """The caller's connection is reset, and the money moved."""
    made = served.initialize()
    with served.fault("answer_lost"), pytest.raises(httpx.ReadError):
        served.page.post(f"/{made['access_code']}/pay", data=CARD)

    assert served.verify(made["reference"])["status"] == "success"


def test_a_late_success_arrives(served: Served, shop: Merchant) -> None:
    """Abandoned first, then success, with its event then."""
    with served.fault("late_success", delay_s=0.5):
        made = served.initialize()
        served.page.post(f"/{made['access_code']}/pay", data=CARD)
        early = served.verify(made["reference"])["status"]

    arrived(shop, made["reference"])
    assert (early, served.verify(made["reference"])["status"]) == ("abandoned", "success")
