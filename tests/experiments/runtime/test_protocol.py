"""Frames, commands and rules, without a container."""

import json
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.runtime.agent.agent import Agent, Names, Rules
from experiments.runtime.agent.words import (
    EVERYONE,
    FAMILIES,
    Refused,
    blockable,
    elements_text,
    parse_command,
    table_of,
    table_text,
)
from experiments.runtime.docker import labels
from experiments.runtime.docker.frames import FrameReader
from experiments.runtime.shapes import ArmedFault, Intended, Undo

LINES = st.lists(st.tuples(st.sampled_from((1, 2)), st.binary(max_size=40)), max_size=20)


@given(LINES, st.lists(st.integers(1, 30), min_size=1, max_size=50), st.integers(1, 20))
def test_any_cut_gives_the_same_lines(
    lines: list[tuple[int, bytes]], cuts: list[int], frame: int
) -> None:
    """However the stream is cut into frames and portions, the same lines come out of each."""
    whole = [(stream, text.replace(b"\n", b"")) for stream, text in lines]
    sent = b""
    for stream, text in whole:
        body = text + b"\n"
        for at in range(0, len(body), frame):
            part = body[at : at + frame]
            sent += struct.pack(">BxxxL", stream, len(part)) + part
    reader, got, index = FrameReader(), [], 0
    while sent:
        size = cuts[index % len(cuts)]
        got += list(reader.feed(sent[:size]))
        sent, index = sent[size:], index + 1
    assert got == whole


def test_a_service_that_is_refused_whole_is_refused_beyond_tcp() -> None:
    """Without a port everything gets an answer that nobody is there; with one only its TCP does."""
    whole, one = table_text("t", "reject", None), table_text("t", "reject", 443)
    assert "meta l4proto tcp reject with tcp reset" in whole
    assert whole.count(" reject\n") == 2
    assert "tcp dport 443 reject with tcp reset" in one
    assert " reject\n" not in one


@pytest.mark.parametrize(
    "said",
    [
        b"{",
        b"[]",
        b'{"n":1,"do":"rm"}',
        b'{"n":1,"do":"block","name":"x"}',
        b'{"n":1,"do":"look","to":"a b","port":1}',
        b'{"n":1,"do":"look","to":"a","port":70000}',
        b'{"n":1,"do":"block","name":"x","to":"a","way":"burn"}',
        b'{"n":1,"do":"crash","pid":5,"container":"c","signal":"KILL; rm"}',
        b'{"n":1,"do":"ping","more":1}',
        b'{"n":"1","do":"ping"}',
    ],
)
def test_what_is_no_command_is_refused(said: bytes) -> None:
    """Anything but a well-formed command is refused before it can do something."""
    with pytest.raises(Refused):
        parse_command(said)


@given(st.text(min_size=1), st.text(min_size=1))
def test_table_names_are_safe_and_apart(one: str, other: str) -> None:
    """Any rule name becomes a safe table name, and different ones stay different."""
    assert table_of("r", one).replace("_", "").isalnum()
    assert (table_of("r", one) == table_of("r", other)) == (one == other)


def test_rules_spare_loopback() -> None:
    """Loopback addresses are never blocked, and the chains accept it before anything else."""
    assert blockable(["127.0.0.11", "::1", "10.0.0.2", "fe80::1%eth0"]) == ("10.0.0.2", "fe80::1")
    for way in ("drop", "reject"):
        text = table_text("t", way, 80)
        assert text.count("lo accept") == text.count("type filter hook")
    assert "10.0.0.2 timeout 3s" in elements_text("t", ["10.0.0.2"], renew=True)


class FakeNft:
    """Remembers batches; all succeed."""

    def __init__(self) -> None:
        self.batches: list[str] = []

    def cmd(self, text: str) -> tuple[int, str, str]:
        self.batches.append(text)
        return 0, "", ""


def test_agent_lets_go_when_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """After three silent seconds the agent deletes its tables, and says so when asked again."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    nft, said = FakeNft(), list[bytes]()
    agent = Agent(Rules(nft, "r"), said.append)
    agent.feed(b'{"n":1,"do":"block","name":"x","to":"10.0.0.2"')
    agent.feed(b',"way":"drop"}\n{"n":2,"do":"ping"}\n')
    assert [json.loads(line)["ok"] for line in said] == [True, True]
    assert json.loads(said[1])["rules"] == ["x"]
    now[0] += 3.1
    agent.tend()
    assert any(batch.startswith("delete table inet drill_") for batch in nft.batches)
    agent.hear(b'{"n":3,"do":"ping"}')
    assert json.loads(said[2])["rules"] == []


def test_private_addresses_are_followed_at_once() -> None:
    """A container's old address may be somebody else's tomorrow; a vendor's is kept a while."""
    names = Names()
    names.learn("a", ["10.0.0.2", "8.8.8.8"])
    names.learn("a", ["10.0.0.3"])
    assert names.known("a") == ("10.0.0.3", "8.8.8.8")
    names.learn("a", [])
    assert names.known("a") == ("10.0.0.3", "8.8.8.8")


def test_labels_carry_intent_and_undo() -> None:
    """What is written on the engine can be read back whole, and nonsense reads as nothing."""
    fault = ArmedFault("f", "container.stop", '{"grace":"4s"}', Undo("a", "c", "running"))
    assert labels.faults_on(labels.written("r", "p", "marker", [fault])) == (fault,)
    assert labels.faults_on({labels.FAULT: "{"}) == ()
    assert labels.number_in(fault.spec, "grace", 9) == 4
    assert labels.number_in('{"grace":1.5}', "grace", 9) == 1.5
    assert labels.number_in('{"grace":"soon"}', "grace", 9) == 9


def test_an_isolating_rule_drops_all_but_loopback_and_expires() -> None:
    """Every family is dropped both ways, after loopback was let through, for 3 s at a time."""
    text = table_text("drill_t", "isolate", None)

    for way in ("oifname", "iifname"):
        assert text.index(f"{way} lo accept") < text.index("drop", text.index(f"{way} lo"))
    assert text.count("meta nfproto @families drop") == 2
    assert Names().known(EVERYONE) == FAMILIES
    elements = elements_text("drill_t", FAMILIES, renew=True)
    assert "element inet drill_t families { ipv6 timeout 3s }" in elements
    assert elements.count("delete") == len(FAMILIES)


def test_an_act_survives_its_label() -> None:
    """What is written for an act is read back; anything else is no act."""
    act = Intended(id="a1", undo='{"feature": "checkout"}', environment="here.yaml")

    assert labels.act_on({labels.ACT: labels.act_text(act)}) == act
    assert labels.act_on({}) is None
    assert labels.act_on({labels.ACT: "[]"}) is None
