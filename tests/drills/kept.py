"""What a drill of a bad release must have kept, in whichever way it was looked at."""

from __future__ import annotations

import httpx

from tests.drills.conftest import Desk, Done

CLOCKS = {
    "detect",
    "acknowledge",
    "contain",
    "resolve",
    "first_slack_internal",
    "update_slack_internal",
    "first_email_customers",
    "update_email_customers",
    "summary_email_stakeholders",
    "recover",
}
MOMENTS = ("detected", "acknowledged", "contained", "resolved", "healed", "recovered")


def kept_every_promise(desk: Desk, done: Done) -> None:
    """All clocks met, all moments known, everybody told, and a postmortem to be filled in."""
    assert done.code == 0, done.out + done.err
    report = done.report
    clocks = {clock["name"]: clock for clock in report["slas"]}
    assert set(clocks) >= CLOCKS
    assert {clock["status"] for clock in clocks.values()} == {"met"}
    assert clocks["acknowledge"]["playbook_limit_s"] == 1800
    assert clocks["resolve"]["playbook_limit_s"] == 3600
    assert all(report["moments"][name] for name in MOMENTS)
    states = {(alert["alert"], alert["source"]) for alert in report["alerts"]}
    assert ("CheckoutFailing", "alertmanager") in states
    told = {(sent["channel"], sent["kind"]) for sent in report["comms"] if sent["sent_s"]}
    assert told >= {("slack", "first"), ("slack", "final"), ("email", "first"), ("email", "final")}
    assert ("email", "summary") in told
    inbox = desk.stack.inbox_url
    assert f"Resolved: {report['title']}" in str(httpx.get(f"{inbox}/api/slack").json())
    assert report["id"] in str(httpx.get(f"{inbox}/api/messages").json())
    assert done.directory is not None
    postmortem = (done.directory / "postmortem.md").read_text()
    assert "deploy.bad_release" in postmortem
    unfilled = desk.drill("postmortem", "--check", str(done.directory / "postmortem.md"))
    assert unfilled.code == 1
    assert "postmortem.md:" in unfilled.out + unfilled.err
