"""What a scenario file may not be, and what its author is told."""

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drill.errors import BadInput
from experiments import files
from experiments.files import parse_document, read_document
from experiments.problems import build_model
from experiments.scenario import find_scenario, scenario_model
from tests.experiments.conftest import SCENARIO, plan_of

FAULT = "{fault: container.pause, target: backend, at: 1s, for: 20s}"


def said(text: str | bytes) -> str:
    """The message that a file with this text brings."""
    raw = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(BadInput) as caught:
        plan_of(raw.decode("utf-8", "surrogateescape"))
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            (FAULT, "{fault: container.paus, target: backend, for: 2s}"),
            (
                "scenario.yaml:6: faults.1.fault: no fault is called 'container.paus'; "
                "did you mean 'container.pause'?"
            ),
        ),
        (
            (FAULT, "{fault: container.pause, target: backend, forr: 2s}"),
            "scenario.yaml:6: faults.1.forr: unknown field 'forr'; did you mean 'for'?",
        ),
        ((FAULT, "{target: backend}"), "scenario.yaml:6: faults.1: the field 'fault' is missing"),
        (
            (FAULT, "{fault: container.pause, target: bakend, for: 2s}"),
            (
                "scenario.yaml:6: faults.1.target: no service is called 'bakend'; "
                "did you mean 'backend'?"
            ),
        ),
        (
            (FAULT, "{fault: container.pause, target: backend}"),
            "faults.1: container.pause needs `for`",
        ),
        ((FAULT, "{fault: container.kill, target: backend, for: 2s}"), "is momentary"),
        (
            (FAULT, "{fault: network.blackhole, target: shop, to: example.org, for: 2s}"),
            "'example.org' is not known here",
        ),
        ((FAULT, "{fault: network.reject, target: shop, to: redis, for: 2s}"), "needs its port"),
        (("baseline: 3s", "baseline: 3"), "a duration is a number with a unit"),
        (("baseline: 3s", 'baseline: "3"'), "did you mean '3s'?"),
        (("severity: 1", "severity: 5"), "scenario.yaml:3: severity:"),
        (("severity: 1", "severty: 1"), "unknown field 'severty'; did you mean 'severity'?"),
        (
            ("title: Made for a test", "title: Made\nload: {customers: 5}"),
            "scenario.yaml:3: load: the environment has no `load`",
        ),
        (
            ("check: degrades_gracefully, probes: [checkout]", "check: loses_nothing"),
            "loses_nothing is judged when all is over: write it under `after`",
        ),
        (("probes: [checkout]", "probes: [chekout]"), "did you mean 'checkout'?"),
        (("limit: 30s", "limit: 30s, limit: 4s"), "'limit' stands here twice"),
        (("  - " + FAULT, "  []"), "scenario.yaml:5: faults: at least one is needed here"),
        (("title: Made for a test", "? [a, b]\n: c"), "a key must be one word"),
        (("title: Made for a test", "title:\tMade"), "scenario.yaml:2: not valid YAML"),
        (("severity: 1", "severity: 1\n\tbaseline: 2s"), "YAML allows no tabs"),
        (("title: Made for a test", "title: &a Made"), "anchors and aliases are not allowed"),
        (
            ("title: Made for a test", "title: ${DRILL_TEST_NOT_SET}"),
            "the variable DRILL_TEST_NOT_SET is not set",
        ),
        (("title: Made for a test", "title: !!python/object:os.system x"), "tags such as"),
    ],
)
def test_a_mistake_is_named_with_its_place(change: tuple[str, str], message: str) -> None:
    """
    Each mistake is answered with file, line, value and the way out.
    """
    assert change[0] in SCENARIO

    assert message in said(SCENARIO.replace(*change, 1))


def test_all_mistakes_come_at_once() -> None:
    """
    A file with three mistakes is answered with three lines, in the order of the file.
    """
    text = SCENARIO.replace("severity: 1", "severity: 9").replace("baseline: 3s", "bogus: 1")
    lines = said(text.replace("container.pause", "container.x")).splitlines()

    assert [line.split(":")[1] for line in lines] == ["3", "4", "6"]


def test_faults_that_overlap_on_one_target_are_refused() -> None:
    """
    Two faults of one family cannot hold one target at the same time.
    """
    second = "{fault: container.stop, target: backend, at: 5s, for: 2s}"

    assert "overlaps with fault 1" in said(SCENARIO.replace(FAULT, f"{FAULT}\n  - {second}"))


def test_the_blast_radius_has_a_limit() -> None:
    """
    More targets than the environment allows are refused.
    """
    more = "".join(
        f"\n  - {{fault: container.pause, target: {name}, for: 2s}}"
        for name in ("shop", "redis", "paystack")
    )

    assert "4 targets; the environment allows 3" in said(SCENARIO.replace(FAULT, FAULT + more))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "the file is empty"),
        (b"# only a comment\n", "the file is empty"),
        (b"- a\n- b\n", "`key: value` lines"),
        (b"\xff\xfe", "not UTF-8"),
        (b"a: \x00", "not allowed"),
        (b"[" * 5000, "nested deeper"),
        (b"a: " * 100, "not valid YAML"),
        (b"x: " + b"y" * 300_000, "larger than"),
    ],
)
def test_what_is_no_scenario_at_all_is_refused(tmp_path: Path, raw: bytes, message: str) -> None:
    """
    Empty, binary, huge and deeply nested files end with one message.
    """
    path = tmp_path / "s.yaml"
    path.write_bytes(raw)

    with pytest.raises(BadInput, match=message):
        build_model(scenario_model(), read_document(path))


def test_a_bomb_of_aliases_is_refused_before_it_is_built() -> None:
    """
    Nine levels of nine references cost nothing.
    """
    levels = ["a0: &a0 [lol]"] + [
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)
    ]

    with pytest.raises(BadInput, match="anchors and aliases"):
        parse_document("bomb.yaml", "\n".join(levels).encode(), {})


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    """
    A path that is no file says so.
    """
    with pytest.raises(BadInput, match="there is no such file"):
        read_document(tmp_path / "none.yaml")
    with pytest.raises(BadInput, match="this is a folder"):
        read_document(tmp_path)
    with pytest.raises(BadInput, match="did you mean 'paystack-down'"):
        find_scenario("paystck-down")


def test_a_path_that_can_be_none_is_bad_input() -> None:
    """
    A name that no file can have is told as one that cannot be read.
    """
    with pytest.raises(BadInput, match="cannot be read: embedded null byte"):
        read_document(Path("scenario\0.yaml"))


def test_words_stay_what_was_typed() -> None:
    """
    `off`, `1:30` and `010` are text, whatever YAML 1.1 makes of them.
    """
    document = parse_document("x", b"a: off\nb: 1:30\nc: 010\nd: true\ne: 12\nf: ~\n", {})

    assert document.data == {"a": "off", "b": "1:30", "c": "010", "d": True, "e": 12, "f": None}


lines = st.sampled_from(SCENARIO.splitlines())
junk = st.text(alphabet=st.characters(codec="utf-8"), max_size=30)
words = st.sampled_from(["{", "}", "[", "]", ":", "- ", "&a", "*a", "!!map", "\t", "for", "~", "|"])


@pytest.mark.no_cover
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(lines, junk, words), max_size=14))
def test_no_malformed_scenario_brings_a_traceback(parts: list[str]) -> None:
    """
    Whatever is written, it is a plan or a BadInput.
    """
    try:
        plan_of("\n".join(parts))
    except BadInput as error:
        assert str(error)  # noqa: PT017 - it may as well be a plan


@pytest.mark.no_cover
@settings(max_examples=1000, deadline=None)
@given(st.data())
def test_no_mutated_scenario_brings_a_traceback(data: st.DataObject) -> None:
    """
    A good scenario with a piece cut out or something put in is a plan or a BadInput.
    """
    start = data.draw(st.integers(0, len(SCENARIO)))
    end = data.draw(st.integers(start, min(len(SCENARIO), start + 30)))
    middle = data.draw(st.one_of(junk, words))
    try:
        plan_of(SCENARIO[:start] + middle + SCENARIO[end:])
    except BadInput as error:
        assert str(error)  # noqa: PT017 - it may as well be a plan


@pytest.mark.no_cover
@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(lines, junk, words), max_size=14))
def test_the_quick_loader_reads_what_the_one_in_python_reads(parts: list[str]) -> None:
    """
    Values, line numbers and refusals are the same by libyaml and by PyYAML's own loader.
    """
    read: list[object] = []
    for loader in (files.QUICK, yaml.SafeLoader):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "QUICK", loader)
            try:
                document = parse_document("x", "\n".join(parts).encode(), {})
                read.append((document.data, document.lines))
            except BadInput as error:
                read.append(str(error))

    assert read[0] == read[1]


def test_a_compose_file_that_is_nested_too_deep_is_refused_before_it_is_built() -> None:
    """
    A compose file is loaded quickly too, and its depth is looked at first, in its flat events.
    """
    assert files.safe_load(b"services: {a: {}}") == {"services": {"a": {}}}
    with pytest.raises(RecursionError, match="40 levels"):
        files.safe_load(b"[" * 41 + b"]" * 41)


def test_a_live_key_in_a_file_or_variable_is_refused_unprinted() -> None:
    """
    A live Paystack key stops everything, wherever it stands, and is not repeated.
    """
    key = "sk_live_" + "abc123"

    for text, variables in ((f"a: x {key}\n", {}), ("a: ${KEY}\n", {"KEY": key})):
        with pytest.raises(BadInput, match=r"env\.yaml:1: this is a live Paystack key") as caught:
            parse_document("env.yaml", text.encode(), variables)
        assert "abc123" not in str(caught.value)
