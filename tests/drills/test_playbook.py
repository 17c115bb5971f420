"""The playbook against the bundled staging, as a person runs it: real alerts and releases."""

from __future__ import annotations

import re
import subprocess
import threading
from queue import Empty, Queue
from typing import Any

import anyio
import pytest
from playwright.async_api import Page as Tab
from playwright.async_api import expect

from tests.drills.conftest import RUN_LIMIT_S, Desk, twice
from tests.drills.kept import kept_every_promise
from validators.probes.journeys.browser import open_browser

pytestmark = [pytest.mark.docker, pytest.mark.browser]
LINK_LIMIT_S = 60
DETECT_LIMIT_MS = 90_000
BRISK = ("--time-scale", "180")
"""People answer three times as fast as the scenario says, and their clocks run as fast."""
MUST_FAIL = {
    "late-acknowledgement-1": {"acknowledges_in_time"},
    "late-acknowledgement-2": {"acknowledges_in_time"},
    "wrong-alert": {"detects_in_time", "no_wrong_alert"},
    "silent-failure": {"detects_in_time", "alerts_can_fire"},
}
MUST_PASS = (
    "rollback-after-migration",
    "sacred-crash-loop",
    "sacred-hollow",
    "prometheus-dead",
    "nobody-answers",
)


def failed(report: dict[str, Any]) -> set[str]:
    """The checks that failed, without their probes."""
    return {
        found["check"].partition("(")[0]
        for found in report["findings"]
        if found["verdict"] == "fail"
    }


@pytest.mark.thorough
def test_a_bad_release_is_rolled_back_within_every_clock(desk: Desk) -> None:
    """
    As tests/drills/test_release.py, with the journeys: every validator is green in the end.
    """
    # At the scenario's own pace: in a third of its 20 s of containment a journey may not be seen.
    kept_every_promise(desk, desk.run("bad-release-rollback"))


@pytest.mark.thorough
@twice
def test_the_rollback_as_written_changes_nothing_and_the_drill_says_so(desk: Desk) -> None:
    """
    The playbook's two lines end with 0, the bad release goes on running, and the verdict is fail.
    """
    done = desk.run("rollback-as-written", *BRISK)

    assert done.code == 1, done.out + done.err
    assert failed(done.report) == {"rollback_took_effect"}
    assert "Everything up-to-date" in str(done.report["responses"])
    assert done.report["clean"]["remaining"] == []


@pytest.mark.thorough
@pytest.mark.parametrize("scenario", MUST_FAIL)
@twice
def test_a_broken_promise_fails_for_its_own_reason(desk: Desk, scenario: str) -> None:
    """
    Each scenario that must fail fails with the finding that names what was broken.
    """
    done = desk.run(scenario)

    assert done.code == 1, done.out + done.err
    assert failed(done.report) == MUST_FAIL[scenario]


@pytest.mark.thorough
@pytest.mark.parametrize("scenario", MUST_PASS)
@twice
def test_every_other_scenario_of_the_playbook_passes(desk: Desk, scenario: str) -> None:
    """
    What the playbook promises is kept on a healthy staging.
    """
    done = desk.run(scenario)

    assert done.code == 0, done.out + done.err


@pytest.mark.thorough
@twice
def test_an_alert_that_does_not_exist_cannot_fire(desk: Desk) -> None:
    """
    The alert that should fire cannot, and the drill finds it out by its chain and by its silence.
    """
    scenario = desk.write(
        "silent.yaml",
        """\
schema: drill-scenario/1
title: Silent
severity: 2
time_scale: 60
baseline: 1s
faults:
  - {fault: network.blackhole, target: vauntico-server, to: api.paystack.co, for: 8s}
detect: [{alert: PaystackUnreacheable, within: 8s}]
may_fire: [PaystackUnreachable, CheckoutFailing, HighErrorRate, HighResponseTime]
respond:
  - {when: detected, do: acknowledge}
after:
  - {check: recovers_within, probes: [http], limit: 20s, stable_for: 1s}
""",
    )

    done = desk.run(scenario)

    assert done.code == 1, done.out + done.err
    assert failed(done.report) >= {"detects_in_time", "alerts_can_fire"}


def test_a_promise_that_the_chain_cannot_keep_is_refused(desk: Desk) -> None:
    """
    Scrape, evaluation and `for` add up to more than the limit: nothing is touched, exit code 2.
    """
    scenario = desk.write(
        "hasty.yaml",
        """\
schema: drill-scenario/1
title: Hasty
severity: 2
faults:
  - {fault: container.pause, target: redis, for: 5s}
detect: [{alert: PaystackUnreachable, within: 1s}]
""",
    )

    done = desk.run(scenario)

    assert done.code == 2
    assert "PaystackUnreachable within 1s: its chain takes up to" in done.err
    assert done.directory is None


@pytest.mark.thorough
@twice
def test_a_game_day_is_played_by_people_pressing_the_buttons(desk: Desk) -> None:
    """
    The four buttons of the live page carry a real incident from its alert to its resolution.
    """
    process = desk.start("run", "game-day", "--game-day", *desk.kept)
    told: Queue[str] = Queue()
    reader = threading.Thread(target=_read, args=(process, told))
    reader.start()
    try:
        anyio.run(_play, _link(told, process))
        code = process.wait(RUN_LIMIT_S)
    finally:
        process.kill()
        reader.join()
        out = process.stdout.read() if process.stdout else ""
    done = desk.done(code, out, "")

    assert code == 0, out
    acts = {act["do"]: act for act in done.report["responses"] if act["via"] == "page"}
    assert acts["acknowledge"]["actor"] == "commander-on-call"
    assert {"contain.disable_feature", "resolve.heal"} <= set(acts)
    assert done.report["moments"]["resolved"]["role"] == "technical-lead"
    assert "a word from the game day" in str(done.report["comms"])


def _read(process: subprocess.Popen[str], told: Queue[str]) -> None:
    for line in process.stderr or ():
        told.put(line)


def _link(told: Queue[str], process: subprocess.Popen[str]) -> str:
    """The link that a game day prints."""
    while process.poll() is None:
        try:
            line = told.get(timeout=LINK_LIMIT_S)
        except Empty:
            break
        found = re.search(r"game day: (http\S+)", line)
        if found:
            return found[1]
    raise AssertionError("no link was printed")


async def _play(link: str) -> None:
    async with open_browser("game-day-test", {}) as browser, browser.context() as context:
        tab = await context.new_page()
        await tab.goto(link)
        await tab.get_by_label("Your name").fill("commander-on-call")
        detect = tab.locator('li[data-clock="detect"]')
        await expect(detect).to_have_class("met", timeout=DETECT_LIMIT_MS)
        await _press(tab, "Acknowledge", "acknowledged")
        await tab.reload()
        await expect(tab.locator('li[data-clock="acknowledge"]')).to_have_class("met")
        await tab.get_by_label("Your name").fill("engineer-on-call")
        await _press(tab, "Contained", "contained")
        await tab.get_by_label("Text of an update").fill("a word from the game day")
        await _press(tab, "Post update", "posted")
        await _seconds_pass(tab, 3)
        await _press(tab, "Resolved", "resolved")
        await expect(tab.locator('li[data-clock="resolve"]')).to_have_class("met", timeout=60_000)


async def _press(tab: Tab, name: str, reply: str) -> None:
    button = tab.get_by_role("button", name=name, exact=True)
    await expect(button).not_to_have_attribute("aria-disabled", "true", timeout=30_000)
    await button.click()
    await expect(tab.locator("#reply")).to_contain_text(reply, timeout=60_000)


async def _seconds_pass(tab: Tab, count: int) -> None:
    """Containment lasts for some looks of the probes: so long as the page's clock shows."""
    timer = tab.locator('li[data-clock="resolve"]').get_by_role("timer")
    for _ in range(count):
        await expect(timer).not_to_have_text(await timer.inner_text(), timeout=10_000)
