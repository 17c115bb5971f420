"""Whether the load or staging was the limit."""

from drill.events import FaultChange
from drill.payments import LoadSample
from experiments.load.limit import in_force, judge_limit, percentile


def samples(
    latencies: list[float], *, cpu: float = 0.2, behind: float = 0.0, requests: int = 50
) -> list[LoadSample]:
    """One sample a second with these latencies."""
    return [
        LoadSample(
            t=float(second),
            users=20,
            requests=requests,
            failures=0,
            p50_ms=p95 / 2,
            p95_ms=p95,
            behind_s=behind,
            cpu_ratio=cpu,
        )
        for second, p95 in enumerate(latencies)
    ]


def test_without_an_answer_nothing_is_known() -> None:
    """
    No samples, or none with a request in it, say nothing.
    """
    assert judge_limit([]).limit == "unknown"
    assert judge_limit(samples([0.0], requests=0)).limit == "unknown"


def test_a_calm_load_on_a_calm_staging_has_no_limit() -> None:
    """
    Even latencies and an idle load: nobody was the limit, and the numbers are told.
    """
    judged = judge_limit(samples([80.0, 120.0] * 10))

    assert judged.limit == "none"
    assert "0.20 cores" in judged.detail
    assert "80 ms in the best quarter, 120 ms in the worst" in judged.detail


def test_a_core_that_is_full_makes_the_load_the_limit() -> None:
    """
    A generator near a core measures itself, however slow staging looks.
    """
    assert judge_limit(samples([50.0] * 10 + [5000.0] * 10, cpu=0.95)).limit == "load"


def test_customers_who_come_late_make_the_load_the_limit() -> None:
    """
    Waits that end too late are the generator's doing.
    """
    assert judge_limit(samples([50.0] * 20, behind=0.4)).limit == "load"


def test_one_busy_moment_is_no_limit() -> None:
    """
    A single sample with a full core, such as that of the start, is not held against the load.
    """
    busy = [*samples([50.0], cpu=1.0), *samples([50.0] * 30)]

    assert judge_limit(busy).limit == "none"


def test_latencies_that_grow_make_staging_the_limit() -> None:
    """
    Answers that become slow while the load has CPU left are staging's doing.
    """
    assert judge_limit(samples([60.0] * 10 + [900.0] * 10)).limit == "staging"


def test_a_fault_is_not_a_limit() -> None:
    """
    Answers that are slow while a fault is in force, or just after it, are the fault's doing.
    """
    slow = samples([60.0] * 10 + [900.0] * 10 + [60.0] * 10)

    assert judge_limit(slow, [(10.0, 19.0)]).limit == "none"
    assert judge_limit(slow, [(0.0, 30.0)]).limit == "none"


def test_a_fault_is_in_force_from_its_intent_to_its_heal() -> None:
    """
    Windows are the journal's own; a fault that was never healed lasts until now.
    """
    changes = [
        FaultChange(t=1.0, id="f1", state="intent"),
        FaultChange(t=2.0, id="f1", state="effective"),
        FaultChange(t=3.0, id="f2", state="intent"),
        FaultChange(t=5.0, id="f1", state="healed"),
        FaultChange(t=6.0, id="f3", state="healed"),
    ]

    assert in_force(changes, 9.0) == [(1.0, 5.0), (3.0, 9.0)]


def test_a_percentile_is_the_value_that_so_many_do_not_exceed() -> None:
    """
    Of counts by value, as Locust keeps them, also where some were counted before.
    """
    counts = {10: 90, 20: 5, 500: 5, 900: 0}

    assert [percentile(counts, percent) for percent in (50, 90, 95, 99)] == [10, 10, 20, 500]
    assert percentile({}, 95) == 0
    assert percentile({7: 0}, 95) == 0
