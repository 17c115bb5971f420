"""Customers' reports, deliveries and silences, against doubles of their real shapes."""

from collections.abc import Sequence

import pytest

from tests.validators.probes.alerts import shapes
from tests.validators.probes.alerts.double import Double, with_double
from validators.probes.alerts.api import Api
from validators.probes.alerts.base import AlertReading
from validators.probes.alerts.receiver import Receiver
from validators.probes.alerts.silences import Matcher, Silences
from validators.probes.alerts.support import Support

Steps = list[tuple[str, float | None]]


def steps(readings: Sequence[AlertReading]) -> Steps:
    return [(one.state, one.wall_s) for one in readings]


REPORT = {
    "id": "r1",
    "from": "ada@example.org",
    "subject": "Cannot pay",
    "text": "The checkout is broken.",
    "received_at": "2026-09-21T10:00:05.250+00:00",
}
MAIL = {**REPORT, "id": "", "message_id": "<1@x>", "to": ["Support@vauntico.invalid"], "date": ""}


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (REPORT, True),
        (MAIL, True),
        ({**REPORT, "text": "checkouts"}, False),
        ({**MAIL, "to": ["ada@example.org"]}, False),
    ],
)
def test_a_customers_report_is_told_by_a_whole_word(
    message: dict[str, object], found: bool
) -> None:
    """Reports and mails to support count; the shop's own mails and other words do not."""

    async def work(double: Double) -> None:
        double.answers["/api/support"] = [message]
        source = Support(Api(f"{double.url}/api/support?x=1"), ["Checkout"])
        readings = await source.look()
        assert steps(readings) == ([("firing", shapes.STARTED_S)] if found else [])
        assert double.asked[0].query == {"x": ["1"]}
        assert all("broken" not in one.evidence for one in readings)
        await source.close()

    with_double(work)


ARRIVED = "2026-09-21T10:00:05.500+00:00"


@pytest.mark.parametrize(
    "entry",
    [
        {"received_at": ARRIVED, "groupKey": "{}:{}", **shapes.webhook_alert()},
        {"received_at": ARRIVED, "groupKey": "{}:{}", "alerts": [shapes.webhook_alert()]},
        {
            "received_at": ARRIVED,
            "payload": {"groupKey": "{}:{}", "alerts": [shapes.webhook_alert()]},
        },
    ],
)
def test_a_delivery_told_twice_is_one_and_counts_from_the_first(entry: dict[str, object]) -> None:
    """Alertmanager repeats what got no 2xx, whatever way the receiver keeps it."""

    async def work(double: Double) -> None:
        double.answers["/hook"] = [{**entry, "received_at": "2026-09-21T10:00:09+00:00"}, entry]
        source = Receiver(Api(f"{double.url}/hook"))
        (delivered,) = await source.look()
        assert (delivered.state, delivered.wall_s) == ("delivered", shapes.STARTED_S + 0.25)
        await source.close()

    with_double(work)


def test_a_resolved_delivery_counts_by_the_alerts_own_end() -> None:
    """The news of the end arrives up to a group interval late."""

    async def work(double: Double) -> None:
        late = {"received_at": "2026-09-21T10:05:00+00:00", **shapes.webhook_alert("resolved")}
        double.answers["/hook"] = [late]
        source = Receiver(Api(f"{double.url}/hook"))
        assert steps(await source.look()) == [("resolved", shapes.STARTED_S + 30)]
        await source.close()

    with_double(work)


def silence(**fields: object) -> dict[str, object]:
    return {
        "id": "s1",
        "matchers": [{"name": "alertname", "value": "Pay.*", "isRegex": True, "isEqual": True}],
        "createdBy": "ada",
        "comment": "on it",
        "startsAt": shapes.STARTED,
        "endsAt": "2026-09-21T11:00:00Z",
        "updatedAt": shapes.STARTED,
        "status": {"state": "active"},
        **fields,
    }


def test_silences_are_read_oldest_first() -> None:
    """The first to silence an alert is the one who took it."""

    async def work(double: Double) -> None:
        newer = silence(id="s2", startsAt="2026-09-21T10:01:00.000Z")
        double.answers["/api/v2/silences"] = [newer, silence()]
        source = Silences(Api(double.url))
        first, second = await source.silences()
        assert (first.id, second.id) == ("s1", "s2")
        assert first.active
        assert first.covers({"alertname": "PaystackUnreachable"})
        assert not first.covers({"alertname": "NotPay"})
        await source.close()

    with_double(work)


@pytest.mark.parametrize(
    ("matcher", "holds"),
    [
        (Matcher("a", "x"), True),
        (Matcher("a", "x", isEqual=False), False),
        (Matcher("b", ""), True),
        (Matcher("a", "y|x", isRegex=True), True),
        (Matcher("a", "y", isRegex=True, isEqual=False), True),
        (Matcher("a", "(", isRegex=True, isEqual=False), False),
    ],
)
def test_a_matcher_holds_as_alertmanagers_do(matcher: Matcher, holds: bool) -> None:
    """Patterns are anchored, a missing label is empty, and a pattern that is none holds nowhere."""
    assert matcher.holds({"a": "x"}) is holds
