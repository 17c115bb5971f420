"""What a scenario may not say about a held edge, and what its author is told."""

import pytest

from drill.errors import BadInput
from experiments.describe import describe
from tests.experiments.conftest import plan_of
from tests.experiments.test_held import HELD, JOURNEYS


def held(change: tuple[str, str]) -> str:
    """The scenario with one change."""
    assert change[0] in HELD
    return HELD.replace(*change)


def test_the_plan_says_where_it_waits() -> None:
    """
    `drill plan` names the edge, the sight and the limit.
    """
    lines = "\n".join(describe(plan_of(HELD, journeys=JOURNEYS)))

    assert "container.kill on backend, at the held edge backend | redis, once a grant is seen" in (
        lines
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("seen: grant", "seen: grants"),
            "scenario.yaml:8: faults.1.at.seen: seen cannot be 'grants'; did you mean 'grant'?",
        ),
        (("seen: grant", "seen: x"), "seen cannot be 'x'; there are order, capture, event, job"),
        (("seen: grant, ", ""), "faults.1.at.seen: the field 'seen' is missing"),
        (("within", "witin"), "unknown field 'witin'; did you mean 'within'?"),
        (("to: redis", "too: redis"), "faults.1.at.held.too: unknown field 'too'; did you mean"),
        (("within: 20s", "within: 20"), "a duration is a number with a unit"),
        (("within: 20s", "within: 0s"), "nothing is seen in no time"),
        (
            ("from: backend", "from: bakend"),
            ("faults.1.at.held.from: no service is called 'bakend'; did you mean 'backend'?"),
        ),
        (("from: backend", "from: api.paystack.co"), "only what a service sends can be dropped"),
        (("to: redis", "to: rediss"), "'rediss' is not known here; did you mean 'redis'?"),
        (("to: redis", "to: backend"), "backend has no edge to itself"),
        (("to: redis", "to: redis, after: redi"), "'redi' is not known here"),
        (("to: redis", "to: redis, after: redis"), "leave `after` out"),
        (("probes: [buying]", "probes: [checkout]"), "nobody buys, so no grant would ever be seen"),
        (
            (
                "during:",
                (
                    "  - {fault: network.blackhole, target: backend, to: shop, at: 9s, for: 2s}\n"
                    "during:"
                ),
            ),
            "overlaps with fault 2: data of backend would be dropped for two reasons",
        ),
        (
            ("during:", "  - {fault: container.pause, target: backend, at: 60s, for: 2s}\nduring:"),
            "overlaps with fault 1: two container faults on backend",
        ),
        (
            (
                "during:",
                (
                    "  - fault: container.kill\n    target: redis\n"
                    "    at: {held: {from: backend, to: shop}, seen: job}\nduring:"
                ),
            ),
            "overlaps with fault 1: data of backend",
        ),
        (("at: {held", "at: 3\n    #"), "a duration is a number with a unit"),
    ],
)
def test_a_mistake_about_an_edge_is_named_with_its_place(
    change: tuple[str, str], message: str
) -> None:
    """
    What is wrong with a held edge is refused before anything is touched, with the way out.
    """
    with pytest.raises(BadInput) as caught:
        plan_of(held(change), journeys=JOURNEYS)
    assert message in str(caught.value)


def test_the_held_service_counts_as_a_target() -> None:
    """
    Data of it is dropped, so it counts against what may be touched.
    """
    text = held(("target: backend", "target: redis"))
    assert plan_of(text, journeys=JOURNEYS).targets == {"backend", "redis"}
    with pytest.raises(BadInput, match="2 targets; the environment allows 1"):
        plan_of(text, journeys=JOURNEYS, max_targets=1)
