"""`GET /events` over real HTTP on loopback."""

from contextlib import aclosing

import anyio
import httpx
import msgspec
import pytest

from drill.events import Note
from experiments.gameday import hub as hub_module
from experiments.gameday.hub import MAX_LISTENERS, Hub
from experiments.gameday.snapshot import Board
from tests.experiments.gameday import journals
from tests.experiments.gameday.gameday import (
    LIMIT_S,
    GameDay,
    boards,
    client,
    first_board,
    frames,
    opened,
)

pytestmark = pytest.mark.anyio


async def test_a_change_is_shown_and_a_reload_shows_the_same() -> None:
    """The whole state comes at once, again after a change, and again to whoever reconnects."""
    day = GameDay()
    async with opened(day) as (_, asking), aclosing(boards(asking)) as shown:
        before = await anext(shown)
        assert before.button("acknowledge").why == "Nothing has been detected yet."
        day.detect()
        after = await anext(shown)
        assert after.button("acknowledge").possible
        again = await first_board(asking)
        assert again.timeless() == after.timeless()


async def test_a_deadline_that_passes_is_news() -> None:
    """Nothing is written then, and yet the page must turn red."""
    day = GameDay(scale=900.0)  # 15 minutes are one second.
    day.detect()
    async with opened(day) as (_, asking), aclosing(boards(asking)) as shown:
        states = []
        async for board in shown:
            states.append(board.clocks[1].state)
            if states[-1] == "missed":
                break
    assert states[0] == "running"


async def test_a_storm_of_records_makes_few_snapshots() -> None:
    """At most four a second, and the newest is always among them."""
    day = GameDay()
    async with opened(day) as (_, asking), aclosing(boards(asking)) as shown:
        await anext(shown)
        begun, seen = anyio.current_time(), 0
        for k in range(300):
            day.add(journals.message("update", float(k), float(k)))
            await anyio.sleep(0.003)
        day.add(Note(99.0, "last"), *journals.acknowledged(day.recorder.t()))
        async for board in shown:
            seen += 1
            if board.acts:
                break
    took = anyio.current_time() - begun
    assert seen <= took / hub_module.GAP_S + 1


async def test_without_news_a_heartbeat_comes_with_the_drills_time() -> None:
    """So that a page can tell silence from a lost connection."""
    day = GameDay()
    async with opened(day) as (_, asking), aclosing(frames(asking)) as every:
        event, now = "", 0.0
        async for event, data in every:
            now = float(msgspec.json.decode(data)["now"])
            if event == "beat":
                break
        assert event == "beat"
        assert now == pytest.approx(day.recorder.t(), abs=1.0)


async def test_so_many_may_watch_and_no_more() -> None:
    """One too many is sent away, and let in when another has left."""
    day = GameDay()
    async with opened(day) as (page, asking):
        async with anyio.create_task_group() as group:
            watching = anyio.Semaphore(0)

            async def watch() -> None:
                async with client(page) as own, aclosing(boards(own)) as shown:
                    async for _ in shown:
                        watching.release()

            for _ in range(MAX_LISTENERS):
                group.start_soon(watch)
            for _ in range(MAX_LISTENERS):
                await watching.acquire()
            answer = await asking.get("/events")
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            group.cancel_scope.cancel()
        with anyio.fail_after(LIMIT_S):
            while (await status(asking)) == 503:
                await anyio.sleep(0.02)


async def status(asking: httpx.AsyncClient) -> int:
    async with asking.stream("GET", "/events") as answer:
        return answer.status_code


async def test_everybody_sees_the_verdict_before_the_server_goes() -> None:
    """What came last is sent before the connection ends."""
    day, last = GameDay(), list[Board]()

    async def watch(page_client: httpx.AsyncClient) -> None:
        async for board in boards(page_client):
            last.append(board)
            ready.set()

    ready = anyio.Event()
    async with anyio.create_task_group() as group, opened(day) as (page, _):
        own = client(page)
        group.start_soon(watch, own)
        await ready.wait()
        day.add(*journals.ended(day.recorder.t()))
    await own.aclose()
    assert last[-1].over is not None
    assert last[-1].over.verdict == "fail"


async def test_nobody_watching_costs_nothing() -> None:
    """Without a listener the journal is never folded."""
    day = GameDay()
    folds: list[float] = []

    def looked_at() -> float:
        folds.append(day.recorder.t())
        return folds[-1]

    hub = Hub(day.journal, looked_at)
    day.recorder.listeners.append(hub.listen)
    async with anyio.create_task_group() as group:
        group.start_soon(hub.run)
        day.detect()
        await anyio.sleep(hub_module.GAP_S / 2)
        assert folds == []
        with hub.listening():
            day.add(Note(1.0, "somebody watches now"))
            with anyio.fail_after(LIMIT_S):
                while not folds:
                    await anyio.sleep(hub_module.GAP_S / 10)
        group.cancel_scope.cancel()
