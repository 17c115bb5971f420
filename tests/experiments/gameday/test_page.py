"""The page in real Chromium: a game day played through by its buttons."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from playwright.async_api import BrowserContext, Locator, expect
from playwright.async_api import Page as Tab

from drill.incident import Acted, MessageSent
from experiments.gameday import serve as serve_module
from experiments.gameday.serve import Page, _Server
from tests.experiments.gameday import journals
from tests.experiments.gameday.gameday import GameDay, opened
from validators.probes.journeys.browser import open_browser

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.slow]
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


@asynccontextmanager
async def watched(day: GameDay) -> AsyncIterator[tuple[Page, BrowserContext, Tab]]:
    """The page of *day* in a browser, which must report no error of its own."""
    errors: list[str] = []
    async with (
        open_browser("test-run", {}) as browser,
        opened(day) as (page, _),
        browser.context() as context,
    ):
        context.set_default_timeout(PATIENCE_MS)
        tab = await context.new_page()
        tab.on("pageerror", lambda error: errors.append(str(error)))
        await tab.goto(page.link)
        await expect(tab.locator("#title")).to_have_text(day.journal.header.title)
        yield page, context, tab
        assert errors == []


def button(tab: Tab, name: str) -> Locator:
    """A button, by what people read on it."""
    return tab.get_by_role("button", name=name, exact=True)


def clock(tab: Tab, name: str) -> Locator:
    """A clock's card."""
    return tab.locator(f'li[data-clock="{name}"]')


async def reads(text: Locator, pattern: str) -> None:
    """Wait until *text* reads like this."""
    await expect(text).to_have_text(re.compile(pattern))


async def test_a_game_day_is_played_through_by_the_four_buttons() -> None:
    """Clocks, buttons in order, a refusal, a reload in the middle, and the verdict at the end."""
    day = GameDay(scale=10.0)
    async with watched(day) as (_, _, tab):
        await expect(clock(tab, "detect")).to_have_class(re.compile("running"))
        await expect(clock(tab, "acknowledge")).to_have_class("waiting")
        await expect(button(tab, "Acknowledge")).to_have_attribute("aria-disabled", "true")
        await expect(tab.locator("#why-acknowledge")).to_have_text("Nothing has been detected yet.")
        day.detect()
        await expect(clock(tab, "detect")).to_have_class("met")
        await reads(clock(tab, "acknowledge").get_by_role("timer"), r"^1:2\d$")
        await expect(clock(tab, "acknowledge")).to_contain_text(
            "limit 15 min of the playbook = 90 s now"
        )

        await tab.get_by_label("Your name").fill("Ada")
        await button(tab, "Resolved").press("Enter")
        await expect(tab.locator("#reply")).to_have_text(
            "Resolved: Nobody has acknowledged it yet."
        )
        assert list(day.journal.every(Acted)) == []

        await button(tab, "Acknowledge").click()
        await expect(tab.locator("#reply")).to_have_text("Acknowledge: it is acknowledged")
        await expect(clock(tab, "acknowledge")).to_have_class("met")
        await button(tab, "Contained").click()
        await expect(tab.locator("#moments")).to_contain_text("Ada as incident-commander")

        await expect(tab.locator("#acts li")).to_have_count(2)
        before = await tab.locator("#acts").inner_text()
        await tab.reload()
        await expect(tab.locator("#acts")).to_have_text(before, use_inner_text=True)
        await expect(tab.get_by_label("Your name")).to_have_value("Ada")
        await expect(clock(tab, "acknowledge")).to_have_class("met")
        await expect(tab.locator("#why-contain")).to_have_text(
            "It has been contained by Ada already."
        )

        await tab.get_by_label("Text of an update").fill("Nobody is charged")
        await button(tab, "Post update").click()
        await expect(tab.locator("#messages")).to_contain_text("[DRILL] Nobody is charged")
        await expect(tab.get_by_label("Text of an update")).to_have_value("")

        await tab.get_by_role("combobox").select_option("communications-lead")
        await button(tab, "Resolved").click()
        await expect(tab.locator("#reply")).to_have_text(
            "Refused: only the technical-lead resolves, and Ada is communications-lead"
        )
        await tab.get_by_role("combobox").select_option("technical-lead")
        await button(tab, "Resolved").click()
        await expect(clock(tab, "resolve")).to_have_class("met")

        day.add(*journals.ended(day.recorder.t()))
        await expect(tab.get_by_role("heading", name="The drill is over: fail")).to_be_visible()
        await expect(tab.locator("#over-findings")).to_have_text("fail detects_in_time: too late")
        await expect(button(tab, "Acknowledge")).to_be_hidden()
    said = [(act.do, act.actor, act.role, act.via) for act in day.journal.every(Acted)]
    assert said == [
        ("acknowledge", "Ada", "incident-commander", "page"),
        ("contain", "Ada", "incident-commander", "page"),
        ("resolve", "Ada", "technical-lead", "page"),
    ]
    assert [message.text for message in day.journal.every(MessageSent)] == [
        "[DRILL] Nobody is charged"
    ]


async def test_a_clock_turns_red_by_itself_and_says_so_aloud() -> None:
    """Nobody answers: the countdown passes its deadline without anything being written."""
    day = GameDay(scale=450.0)  # 15 minutes are two seconds.
    async with watched(day) as (_, _, tab):
        day.detect()
        await expect(clock(tab, "acknowledge")).to_have_class(re.compile("running"))
        await expect(clock(tab, "acknowledge")).to_have_class("missed")
        await reads(clock(tab, "acknowledge").get_by_role("timer"), r"^\+0:0\d$")
        await expect(tab.locator("#news")).to_contain_text("Acknowledge missed")


class Cut(_Server):
    """A server whose connections can be cut."""

    made: ClassVar[list["Cut"]] = []

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.made.append(self)

    def cut(self) -> None:
        for connection in [*self.server_state.connections]:
            connection.transport.abort()


async def test_a_lost_connection_is_shown_and_mends_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who looks at an old state is told so, and gets the whole state again."""
    monkeypatch.setattr(serve_module, "_Server", Cut)
    day = GameDay()
    async with watched(day) as (_, context, tab):
        await expect(tab.locator("#connection")).to_be_hidden()
        await context.set_offline(True)  # No new connection, and the old one is cut.
        Cut.made[-1].cut()
        await expect(tab.locator("#connection")).to_contain_text("Connection lost")
        day.detect()
        await context.set_offline(False)
        await expect(tab.locator("#connection")).to_be_hidden()
        await expect(clock(tab, "detect")).to_have_class("met")


async def test_the_token_leaves_the_address_and_without_it_nothing_is_shown() -> None:
    """It is in no history and no screenshot; a second window needs the link again."""
    day = GameDay()
    async with watched(day) as (page, context, tab):
        assert tab.url == f"{page.url}/"
        other = await context.new_page()
        await other.goto(page.url)
        await expect(other.locator("#connection")).to_have_text(
            "Not connected: the token is missing or wrong; use the address the drill printed."
        )
        await expect(other.locator("#title")).to_have_text("Drill")


async def test_what_others_write_is_shown_as_text() -> None:
    """A name or a message is never run as markup."""
    day = GameDay()
    day.detect()
    now = day.recorder.t()
    evil = "<img src=x onerror=document.title='owned'>"
    day.add(
        MessageSent(now, "slack", "internal", "update", now, now, evil, evil, evil, evil),
        Acted(now, evil, evil, "done", evil, evil, "page", evil, evil),
    )
    async with watched(day) as (_, _, tab):
        await expect(tab.locator("#messages")).to_contain_text(evil)
        await expect(tab.locator("#acts")).to_contain_text(evil)
        assert await tab.locator("img").count() == 0


async def test_a_phone_shows_all_without_scrolling_sideways() -> None:
    """And every button is large enough for a thumb."""
    day = GameDay()
    day.detect()
    async with watched(day) as (_, _, tab):
        await tab.set_viewport_size({"width": 360, "height": 740})
        await expect(button(tab, "Acknowledge")).to_have_attribute("aria-disabled", "false")
        assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for name in ("Acknowledge", "Contained", "Resolved", "Post update"):
            box = await button(tab, name).bounding_box()
            assert box is not None
            assert box["height"] >= 44
