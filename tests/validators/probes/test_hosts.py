"""Which hosts a rule is for, and how a look is told."""

import pytest

from validators.probes.hosts import HostRule, HostSeen, meant, url_pattern

KNOWN = ("js.paystack.co", "api.paystack.co", "checkout.paystack.com", "JS.shop.example")


@pytest.mark.parametrize(
    ("host", "hosts"),
    [
        ("js.paystack.co", ("js.paystack.co",)),
        ("JS.Paystack.co", ("js.paystack.co",)),
        ("*.paystack.co", ("api.paystack.co", "js.paystack.co")),
        ("js.*", ("JS.shop.example", "js.paystack.co")),
        ("*", tuple(sorted(KNOWN))),
        ("paystack.co", ()),
        ("jsXpaystack.co", ()),
    ],
)
def test_a_pattern_means_whole_names(host: str, hosts: tuple[str, ...]) -> None:
    """
    A star stands for any part of a name, a dot for a dot, and nothing is meant in part.
    """
    assert meant(host, KNOWN) == hosts


@pytest.mark.parametrize(
    ("address", "meets"),
    [
        ("https://js.paystack.co/v2/inline.js", True),
        ("http://js.paystack.co:8080?x", True),
        ("https://js.paystack.co", True),
        ("wss://js.paystack.co/", True),
        ("https://js.paystack.co.evil.example/", False),
        ("https://shop.example/?next=https://js.paystack.co/", False),
        ("https://js.paystack.co@shop.example/", False),
    ],
)
def test_an_address_is_met_by_its_host_alone(address: str, meets: bool) -> None:
    """
    Only the host decides, whatever else of the address looks like one.
    """
    assert bool(url_pattern("*.paystack.co").match(address)) is meets


def test_a_short_delay_is_late_when_it_is_over() -> None:
    """
    A request is late once it waited as long as the rule holds it, at most a second.
    """
    assert HostRule("f1", "h", "slow", delay_s=0.5).late_s == 0.5
    assert HostRule("f1", "h", "slow", delay_s=60).late_s == 1.0


def test_a_look_is_told_in_a_few_words() -> None:
    """
    The answer and who gave it, Chromium's own error, or how long nothing came.
    """
    told = [
        HostSeen("h", "answered", 0, 1, status=200).told(),
        HostSeen("h", "answered", 0, 1, status=503, by="f1").told(),
        HostSeen("h", "failed", 0, 1, error="ERR_FAILED").told(),
        HostSeen("h", "silent", 0, 1.04).told(),
    ]

    assert told == [
        "h answered 200",
        "h answered 503 by the drill",
        "h failed with ERR_FAILED",
        "h did not answer within 1.0 s",
    ]
