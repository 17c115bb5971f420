"""Customers under load at the real stack: a few purchases of every kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import anyio
import pytest

from drill.journal import Journal, read_journal
from drill.payments import Begun, Intended, LoadEnded, LoadSample, RefundAsked, Told
from experiments.environment import load_environment
from experiments.load.planning import plan_load
from experiments.load.spawned import opened_load
from experiments.recorder import Recorder
from experiments.runtime.journal_file import JournalFile
from experiments.scenario import Load
from tests.experiments.conftest import header
from tests.staging.stack import Stack

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.thorough]
BUNDLED = Path(__file__).resolve().parents[2] / "environments/bundled.yaml"
PURCHASES, WITHIN_S = 20, 90.0
PAID = {"plain", "pin", "two_tabs", "retry_after_unknown", "late_success"}
REFUNDED = {"refund_full", "refund_partial"}
UNPAID = {"declined", "insufficient", "abandoned", "replayed", "underpaid"}


async def loaded(stack: Stack, folder: Path) -> Journal:
    """The journal of a load that has made all its purchases."""
    environment, _ = load_environment(BUNDLED)
    load = Load(customers=8, purchases=PURCHASES, workers=1)
    plan = plan_load(load, environment, f"r-{stack.project}", 7)
    sink = JournalFile(folder / "journal.jsonl")
    recorder = Recorder(sink, anyio.current_time())
    recorder.add(header())
    async with opened_load(plan, recorder, plan.run, folder) as customers:
        await customers.start()
        with anyio.fail_after(WITHIN_S):
            while len({one.intent for one in recorder.journal.every(Told)}) < PURCHASES:
                await anyio.sleep(0.1)
        await customers.drain()
        await customers.stop()
    sink.close()
    with sink.path.open("rb") as lines:
        return read_journal(lines)


def told_of(journal: Journal) -> Mapping[str, list[Told]]:
    """What each customer was told, by intent."""
    found: dict[str, list[Told]] = defaultdict(list)
    for one in journal.every(Told):
        found[one.intent].append(one)
    return found


def test_every_purchase_is_made_at_the_real_shop_and_its_customer_is_told(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Twenty purchases of all kinds end with a word for each customer, and the shop's books agree.
    """
    for name, value in stack.environment.items():
        monkeypatch.setenv(name, value)
    journal = anyio.run(loaded, stack, tmp_path)

    intents = {one.id: one for one in journal.every(Intended)}
    told = told_of(journal)
    assert set(told) == set(intents)
    assert {one.stratum for one in intents.values()} == PAID | REFUNDED | UNPAID
    for name, intent in intents.items():
        words = [each.said for each in told[name]]
        grants = stack.sql(
            "SELECT count(*) FROM grants g JOIN accounts a ON a.id = g.account_id"
            f" WHERE a.email = '{intent.email}'",
            user="postgres",
        )
        if intent.stratum in PAID:
            assert (words[-1], grants) == ("paid", "1"), (intent.stratum, told[name])
            orders = f"SELECT id || paid_reference FROM orders WHERE email = '{intent.email}'"
            assert stack.sql(orders) == told[name][-1].order + told[name][-1].reference
        elif intent.stratum in REFUNDED:
            assert words[-2:] == ["paid", "corrected"], (intent.stratum, told[name])
        else:
            assert "paid" not in words, (intent.stratum, told[name])
            assert grants == "0"
    assert {one.intent for one in journal.every(RefundAsked)} == {
        name for name, one in intents.items() if one.stratum in REFUNDED
    }
    ended = journal.first(LoadEnded)
    assert ended is not None
    assert (ended.begun, ended.cut) == (len({one.intent for one in journal.every(Begun)}), 0)
    samples = list(journal.every(LoadSample))
    assert sum(one.requests for one in samples) > PURCHASES * 5
    assert ended.detail
