"""The logs a drill keeps, in virtual time, and what happens when there are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drill.events import EvidenceKept, FaultChange, Note, Phase
from experiments.evidence import LEAD_S, LIMIT_S, file_name
from experiments.runtime.docker.logs import (
    ASSEMBLED_LIMIT,
    LINE_LIMIT,
    Kept,
    known_secrets,
    shown,
    whole_lines,
)
from experiments.runtime.shapes import LogPart, LogWindow
from tests.experiments.conftest import Rehearsal


def notes(rehearsal: Rehearsal) -> list[str]:
    return [note.text for note in rehearsal.journal.every(Note)]


def test_every_service_leaves_its_log_before_it_is_judged(rehearsal: Rehearsal) -> None:
    """
    One file a service, from the drill's start to now, journaled after the heal and before judging.
    """
    assert rehearsal.run() == 0

    kept = list(rehearsal.journal.every(EvidenceKept))
    assert sorted(rehearsal.files) == sorted(
        f"evidence/logs/{s}.log" for s in rehearsal.stack.status
    )
    assert sorted(one.path for one in kept) == sorted(rehearsal.files)
    assert {one.kind for one in kept} == {"log"}
    healed = [c.t for c in rehearsal.journal.every(FaultChange) if c.state == "healed"][-1]
    judged = next(p.t for p in rehearsal.journal.every(Phase) if p.name == "judge")
    assert all(healed < one.t <= judged for one in kept)
    window = rehearsal.stack.asked_logs[0]
    intent = next(c.t for c in rehearsal.journal.every(FaultChange) if c.state == "intent")
    assert window.since == rehearsal.recorder.start
    assert window.around == pytest.approx(rehearsal.recorder.start + intent - LEAD_S)


def test_what_was_cut_is_said_in_the_file(rehearsal: Rehearsal) -> None:
    """
    A reader of the file sees where lines are missing and how many.
    """
    rehearsal.stack.logs["c-redis"] = lambda window: LogPart(
        first=["early"], last=["late"], cut_before=3, cut_between=40, complete=False
    )
    rehearsal.run()

    lines = rehearsal.files["evidence/logs/redis.log"].decode().splitlines()
    assert [line.split(" (")[0] for line in lines[1:]] == [
        "# cut here: 3 lines before the fault",
        "early",
        "# cut here: 40 lines",
        "late",
        "# cut here: reading took too long, the end is missing",
    ]
    note = next(e.note for e in rehearsal.journal.every(EvidenceKept) if e.subject == "redis")
    assert note == "2 lines, cut to size"


def test_no_log_is_a_note_and_no_failure(rehearsal: Rehearsal) -> None:
    """
    A container that is gone, an engine that says no and one that is silent leave a passing drill.
    """

    def refused(window: LogWindow) -> LogPart:
        raise OSError("the engine said no")

    rehearsal.stack.logs |= {"c-redis": lambda window: None, "c-shop": refused}
    rehearsal.stack.silent_logs.add("c-paystack")

    assert rehearsal.run() == 0
    assert sorted(rehearsal.files) == ["evidence/logs/backend.log"]
    told = notes(rehearsal)
    assert "no log of redis: container c-redis exists no more" in told
    assert any("no log of shop: OSError: the engine said no" in text for text in told)
    assert f"no log of paystack: the engine gave none within {LIMIT_S:g} s" in told


def test_a_disk_that_is_full_is_a_note(rehearsal: Rehearsal) -> None:
    """
    What cannot be written does not stop the drill.
    """

    class Full(dict[str, bytes]):
        def __setitem__(self, path: str, content: bytes) -> None:
            raise OSError(28, "No space left on device")

    rehearsal.files = Full()

    assert rehearsal.run() == 0
    assert any("No space left on device" in text for text in notes(rehearsal))


@given(st.text())
def test_any_label_is_a_safe_file_name(service: str) -> None:
    """
    Whatever a container's label says, its file stays in the folder of logs.
    """
    name = file_name(service)
    assert name
    assert not name.startswith(".")
    assert "/" not in name


LINES = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 60)), max_size=60)


@given(LINES, st.integers(0, 99), st.integers(200, 2000))
def test_a_log_is_kept_in_order_within_its_limit(
    made: list[tuple[int, int]], around: int, limit: int
) -> None:
    """
    Nothing is reordered or made up, nothing is over the limit, and every line is kept or counted.
    """
    lines = [f"{at:02} {'x' * size}" for at, size in sorted(made)]
    kept = Kept(limit, f"{around:02}")
    for line in lines:
        kept.add(line)
    part = kept.part(complete=True)

    shown_lines = [*part.first, *part.last]
    assert sum(len(line) + 1 for line in shown_lines) <= limit
    assert len(shown_lines) + part.cut_before + part.cut_between == len(lines)
    assert list(part.first) == lines[part.cut_before : part.cut_before + len(part.first)]
    assert list(part.last) == lines[len(lines) - len(part.last) :]
    if sum(len(line) + 1 for line in lines) <= limit // 2:
        assert shown_lines == lines


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_chunks_become_whole_lines(chunks: list[bytes]) -> None:
    """
    However the stream is cut, the same lines come out of it.
    """
    whole = b"".join(chunks).split(b"\n")
    assert list(whole_lines(chunks)) == (whole if whole[-1] else whole[:-1])


def test_a_secret_at_the_cut_of_a_long_line_leaves_no_half() -> None:
    """
    A line is redacted whole before it is cut, and one without end is held only in part.
    """
    secret = "a1b2" * 10  # pragma: allowlist secret - made up
    for before in (LINE_LIMIT - 12, ASSEMBLED_LIMIT - 12):
        text = f"{'x' * before} sk_test_{secret} ".encode()
        line = next(whole_lines([text, b"y" * 10**6]))
        assert len(line) == ASSEMBLED_LIMIT
        kept = shown(line, [secret])
        assert "a1b" not in kept
        assert kept.endswith("[line cut]")


def test_secrets_are_known_from_the_containers_variables() -> None:
    """
    Values that are secret by name, and passwords in URLs, are taken out wherever they are logged.
    """
    address = "postgresql://u:pass-word-1@db/x"  # pragma: allowlist secret - made up
    named = "SHOP_API_KEY=drill-staging-key"  # pragma: allowlist secret - made up
    variables = [named, "DATABASE_URL=" + address]
    secrets = known_secrets({"Config": {"Env": [*variables, "MODE=staging", "ODD_KEY=no"]}})

    assert secrets == {"drill-staging-key", "pass-word-1"}
    assert shown(b"called with drill-staging-key and pass-word-1", secrets) == (
        "called with [redacted] and [redacted]"
    )
