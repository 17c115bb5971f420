"""Synthetic journals: a drill that passes, fails, cannot say, is aborted or is torn."""

import random
from collections.abc import Sequence
from typing import Literal

import msgspec

from drill import events as e
from drill import incident as i
from drill.journal import Journal
from drill.records import Record
from drill.verdict import Health

WALL_S = 1_790_000_000.0
SACRED = ("love-loops", "legacy-tree", "lore-generator", "ubuntu-echo")


def header(title: str = "Paystack is unreachable") -> e.Header:
    """The first line."""
    return e.Header(
        0.0, "20260921-paystack-down", "paystack-down", title, "staging", "vauntico-staging",
        "0.1.0", "294bbf3", dirty=True, command="drill run paystack-down --env bundled --seed 7",
        seed=7, severity=1, wall_s=WALL_S, mono_s=100.0, boot_id="b",
    )  # fmt: skip


def plan() -> e.Planned:
    """One fault, five probes."""
    fault = e.PlannedFault(
        "f1", "network.blackhole", "vauntico-server", '{"to":"api.paystack.co"}', "agent", 0, 20
    )
    probes = [e.PlannedProbe(n, "http", sacred=True, period_s=1, deadline_s=0.8) for n in SACRED]
    probes += [e.PlannedProbe("checkout", "http", sacred=False, period_s=0.1, deadline_s=0.8)]
    return e.Planned(
        0.2, [fault], probes, ["recovers_within", "stays_available"], 5.0, 30.0,
        notes=["netem is not on this kernel"], not_checked=["comms: no channel is configured"],
    )  # fmt: skip


def observations(end: float = 40.0) -> list[Record]:
    """Checkout is down from 6 s until 29 s, the sacred features never."""
    dice, made = random.Random(7), list[Record]()
    for name in SACRED:
        for k in range(int(end)):
            sent = k + dice.uniform(0.001, 0.01)
            made.append(e.Observation(name, k, sent, sent + dice.uniform(0.01, 0.06), Health.OK))
    for k in range(int(end * 10)):
        sent = k / 10 + dice.uniform(0.0005, 0.004)
        down = 6 <= sent < 29
        health = (Health.DEGRADED if sent > 27 else Health.DOWN) if down else Health.OK
        took = 0.8 if health == Health.DOWN else dice.uniform(0.03, 0.3)
        detail = "no answer in 0.8 s" if health == Health.DOWN else ""
        made.append(e.Observation("checkout", k / 10, sent, sent + took, health, detail))
    return made


def incident() -> list[Record]:
    """Phases, the fault, the engine and the stack."""
    names: list[tuple[float, e.PhaseName]] = [
        (0.1, "preflight"), (0.5, "baseline"), (5.5, "faults"), (25.5, "heal"), (25.7, "quiet"),
        (39.0, "reconcile"), (39.5, "judge"),
    ]  # fmt: skip
    service = e.Service("vauntico-server", "c1", "vauntico/server:1.2.0", "sha256:" + "ab" * 32,
                        "running", 0, health="healthy")  # fmt: skip
    made: list[Record] = [e.Phase(t, name, WALL_S + t) for t, name in names]
    made += [
        e.StackSeen(0.4, "before", [service]),
        e.FaultChange(5.9, "f1", "intent"),
        e.FaultChange(5.92, "f1", "injected"),
        e.FaultChange(5.95, "f1", "effective", proof="SYN to api.paystack.co unanswered"),
        e.FaultChange(25.5, "f1", "healing"),
        e.FaultChange(25.6, "f1", "healed", proof="path answers in 3 ms", by="drill"),
        e.EngineSaw(25.6, "vauntico-server", "exec_start", "c1", WALL_S + 25.6),
        e.EvidenceKept(6.9, "screenshot", "evidence/first-bad.png", "checkout", "first bad"),
        e.Note(6.0, "a foreign rule was spared", "warning"),
    ]
    return made


def judgement(*, failing: bool) -> list[Record]:
    """What the judge writes, then the proof that staging is clean."""
    recovered = [e.Recovery(name, "never_bad") for name in SACRED]
    slow = e.Recovery("checkout", "recovered", 29.012, 28.988, 29.012)
    recovered += [e.Recovery("checkout", "censored", earliest=28.9) if failing else slow]
    made: list[Record] = [
        e.Recovered(39.6, recovered),
        e.MomentSet(5.95, "effective", 5.92, 5.95, "agent"),
        e.MomentSet(6.1, "impact", 6.0, 6.9, "probe checkout"),
        e.MomentSet(25.6, "healed", 25.5, 25.6, "agent"),
        e.SlaJudged(39.7, "detect", 60, "missing"),
        e.SlaJudged(39.7, "acknowledge", 900, "met", 4.2, 4.1, 4.2),
        e.SlaJudged(39.7, "recover", 30, "censored" if failing else "met", 3.412, 3.388, 3.412),
        e.SeverityJudged(39.8, 1, None, "no sacred feature was down"),
        e.Found(39.9, "stays_available: sacred-features", "pass", "160 of 160 ok", "a1"),
    ]
    reason = "checkout was never good again for 5 s" if failing else "3.412 s after the heal"
    made.append(
        e.Found(39.9, "recovers_within: checkout 30 s", "fail" if failing else "pass", reason, "a2",
                "application" if failing else "", ["evidence/first-bad.png"])
    )  # fmt: skip
    left = [e.Remaining("1 nftables table in vauntico-server", "drill heal --env bundled")]
    made.append(e.Clean(40.1, WALL_S + 40, "labels, rules, states", left if failing else []))
    made.append(e.End(40.2, WALL_S + 40.2, "fail" if failing else "pass", 1 if failing else 0))
    return made


def records(*, failing: bool = False) -> list[Record]:
    """A whole drill in order of time; the judge comes last."""
    seen = observations() + incident()
    seen.sort(key=lambda r: r.got if isinstance(r, e.Observation) else r.t)
    return [header(), plan(), *seen, *judgement(failing=failing)]


def journal(made: Sequence[Record]) -> Journal:
    """The journal that these records make."""
    result = Journal()
    for record in made:
        result.add(record)
    return result


def passing() -> Journal:
    """Everything holds."""
    return journal(records())


def failing() -> Journal:
    """Checkout does not come back, and a rule is left."""
    return journal(records(failing=True))


def aborted() -> Journal:
    """Stopped by a signal during the fault."""
    made = [r for r in records() if (r.got if isinstance(r, e.Observation) else r.t) < 15]
    return journal([*made, e.Aborted(15.0, "SIGTERM")])


def torn() -> Journal:
    """Killed while it wrote."""
    result = journal(records()[:200])
    result.torn = True
    return result


def verified(bad: str = "") -> Journal:
    """A run without faults, as `drill verify` makes it; the probe *bad* was down once."""
    head = msgspec.structs.replace(
        header("Does everything work now?"), scenario="verify", severity=0, seed=0,
        command="drill verify --env bundled",
    )  # fmt: skip
    names = [*SACRED, "checkout"]
    probes = [e.PlannedProbe(n, "http", n in SACRED, 1, 0.8) for n in names]
    made: list[Record] = [head, e.Planned(0.1, [], probes, [f"works_now({n})" for n in names], 5)]
    made.append(e.Phase(0.1, "look", WALL_S))
    for name in names:
        for k in range(5):
            health = Health.DOWN if name == bad and k == 2 else Health.OK
            made.append(e.Observation(name, k, k + 0.002, k + 0.03, health))
    made += [e.Clean(5.1, WALL_S + 5, "no fault was injected"), e.Phase(5.1, "judge", WALL_S + 5)]
    told = [e.Recovery(name, "missing") for name in names]  # As journals of before had it.
    made += [e.Recovered(5.2, told), e.SeverityJudged(5.2, 0, None, "nothing was broken")]
    for name in names:
        verdict: Literal["pass", "fail"] = "fail" if name == bad else "pass"
        reason = "down in 1 of 5 looks" if name == bad else "good in all of 5 looks"
        made.append(e.Found(5.2, f"works_now({name})", verdict, reason, "v"))
    made.append(e.End(5.3, WALL_S + 5, "fail" if bad else "pass", 1 if bad else 0))
    return journal(made)


def unknown() -> Journal:
    """Nobody looked, so nobody can say."""
    found = e.Found(1.0, "stays_available", "unknown", "no observation", "a3", "harness")
    end = e.End(1.2, WALL_S + 1, "unknown", 3)
    return journal([header(), plan(), found, e.Clean(1.1, WALL_S + 1, "labels"), end])


ALERT = "PaystackUnreachable"


def promised() -> i.IncidentPlanned:
    """What the playbook binds this drill to: severity 1, one second is a minute of the playbook."""
    return i.IncidentPlanned(
        0.3, "Vauntico Incident Response Playbook", 60.0, 900.0, 3600.0,
        {"incident-commander": ["ada"], "technical-lead": ["tau"], "communications-lead": []},
        {},
        [i.PlannedDetection(ALERT, "prometheus", 20.0, 7.0),
         i.PlannedDetection("HighErrorRate", "prometheus", 20.0)],
        [i.PlannedAct("a1", "acknowledge", "acknowledged", "detected", 60.0, "auto",
                      "incident-commander"),
         i.PlannedAct("a2", "contain.disable_feature", "contained", "acknowledged", 0.0, "auto",
                      "technical-lead"),
         i.PlannedAct("a3", "resolve.rollback", "resolved", "contained", 0.0, "auto",
                      "technical-lead"),
         i.PlannedAct("a4", "update", "", "resolved", 0.0, "people", "communications-lead")],
        [i.PlannedMessages("slack", "internal", "#incident-response", "communications-lead", 300.0,
                           0.0, 3600.0)],
        [i.PlannedEscalation(120.0, "technical-lead")],
        [], "v1.2.0",
    )  # fmt: skip


def seen(alert: str, state: i.AlertState, t: float, **more: bool) -> i.AlertSeen:
    """One step of an alert, read from Prometheus at one second's resolution."""
    return i.AlertSeen(
        t, alert, "prometheus", state, t + 0.2, t - 1.0, t, 1.0, {"severity": "1"},
        "GET http://127.0.0.1:9090/api/v1/alerts", **more,
    )  # fmt: skip


def acted(act: str, do: str, state: i.ActState, t: float, moment: str) -> i.Acted:
    """One step of an act by the engineer on call."""
    role = "incident-commander" if do == "acknowledge" else "technical-lead"
    actor = "ada" if do == "acknowledge" else "tau"
    proof = f"{do} shown" if state == "done" else ""
    return i.Acted(t, act, do, state, actor, role, "auto", moment, proof)


def answered() -> list[Record]:
    """The people's side: alert, acts, messages, releases, guardrails, in the order of time."""
    digests = {"v1.2.0": "sha256:" + "ab" * 32, "v1.3.0": "sha256:" + "cd" * 32}
    made: list[Record] = [
        promised(),
        i.ChainSeen(0.45, ALERT, "prometheus", present=True, health="ok", series=2, scrape_s=1.0,
                    evaluation_s=1.0, for_s=5.0, group_wait_s=0.5),
        i.ChainSeen(0.45, "HighErrorRate", "prometheus", present=True, health="ok", series=0),
        i.ReleaseSeen(0.46, "vauntico-server", "before", "v1.2.0", "vauntico/server:v1.2.0",
                      digests["v1.2.0"]),
        i.ReleaseSeen(5.96, "vauntico-server", "bad", "v1.3.0", "vauntico/server:v1.3.0",
                      digests["v1.3.0"]),
        i.MonitoringSeen(0.5, "before", "panel Checkouts", ok=True),
        seen("DiskAlmostFull", "firing", 2.0, before_fault=True),
        seen(ALERT, "pending", 8.0),
        seen(ALERT, "firing", 13.0),
        seen(ALERT, "notified", 13.5),
        seen(ALERT, "delivered", 13.6),
        e.MomentSet(13.0, "detected", 12.0, 13.0, f"prometheus {ALERT}"),
        i.MessageSent(13.7, "slack", "internal", "first", 13.0, 13.7, "auto",
                      "communications-lead", "200 ok", "DRILL: Paystack is unreachable"),
        i.MessageSent(13.8, "email", "customers", "first", 13.0, None, "auto",
                      "communications-lead", "connection refused", "DRILL: we look into it"),
        i.Escalated(15.0, "technical-lead", 120.0),
        acted("a1", "acknowledge", "begun", 15.5, "acknowledged"),
        acted("a1", "acknowledge", "done", 15.6, "acknowledged"),
        e.MomentSet(15.6, "acknowledged", 15.5, 15.6, "act a1", "ada", "incident-commander"),
        acted("a2", "contain.disable_feature", "begun", 15.7, "contained"),
        acted("a2", "contain.disable_feature", "done", 16.0, "contained"),
        e.MomentSet(16.0, "contained", 15.7, 16.0, "act a2", "tau", "technical-lead"),
        i.MonitoringSeen(16.5, "during", "panel Payments", ok=False, detail="no data"),
        acted("a3", "resolve.rollback", "begun", 16.1, "resolved"),
        i.ReleaseSeen(22.0, "vauntico-server", "rolled_back", "v1.2.0", "vauntico/server:v1.2.0",
                      digests["v1.2.0"], "digest differs from the bad one"),
        acted("a3", "resolve.rollback", "done", 22.1, "resolved"),
        e.MomentSet(22.1, "resolved", 16.1, 22.1, "act a3", "tau", "technical-lead"),
        e.EngineSaw(21.0, "vauntico-server", "restart", "c1", WALL_S + 21.0),
        seen(ALERT, "resolved", 31.0),
        acted("a2", "contain.disable_feature", "undone", 32.0, "contained"),
    ]  # fmt: skip
    return made


def verdicts() -> list[Record]:
    """What the judge adds for the people's side."""
    return [
        e.SlaJudged(39.7, "acknowledge", 15.0, "met", 2.6, 2.5, 3.6, 900.0),
        e.SlaJudged(39.7, "resolve", 60.0, "met", 9.1, 3.1, 10.1, 3600.0),
        e.SlaJudged(39.7, "summary", 1440.0, "missing", playbook_limit_s=86400.0),
        i.GuardrailSeen(39.8, "secret_scanning", ok=True, detail="detect-secrets: clean"),
        i.GuardrailSeen(39.8, "dependency_updates", ok=False, detail="pip monthly",
                        evidence=".github/dependabot.yml"),
        e.Found(39.9, "alerts_can_fire", "fail", "HighErrorRate has no series", "b1",
                "application"),
        e.Found(39.9, "loses_nothing", "unknown", "the ledger was not read", "b2", "environment"),
    ]  # fmt: skip


def whole_incident() -> list[Record]:
    """A failing drill with everything that the playbook asks of people, in order of time."""
    told = [r for r in judgement(failing=True) if not isinstance(r, e.SlaJudged)]
    happened = observations() + incident() + answered()
    happened.sort(key=lambda r: r.got if isinstance(r, e.Observation) else r.t)
    return [header(), plan(), *happened, *told[:-2], *verdicts(), *told[-2:]]


def finished(text: str) -> str:
    """What a person makes of a draft."""
    text = text.replace("**Owner:** TO FILL: who sees this through", "**Owner:** Ada")
    for label in ("Root cause", "Fix applied", "Guardrail"):
        begin = text.index(f"**{label}:** TO FILL")
        text = text[:begin] + f"**{label}:** we know now\n" + text[text.index("\n", begin) :]
    head, table = text.split("## Action items")
    return head + "## Action items" + table.replace("|  |  |  |", "| Prevent | Ada | 2026-12-01 |")
