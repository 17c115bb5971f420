"""A plan as lines for people: what `drill plan` prints."""

from collections.abc import Iterator

from drill.duration import show_duration
from drill.incident import PlannedMessages
from experiments.plan import Plan


def describe(plan: Plan) -> list[str]:
    """The plan as lines for people."""
    return list(_lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield f"{plan.scenario.title} (severity {plan.scenario.severity})"
    yield ""
    yield f"  baseline  every probe good for {show_duration(plan.scenario.baseline)}"
    if load := plan.scenario.load:
        made = f"{load.purchases} purchases" if load.purchases else "who only look around"
        mix = ", ".join(f"{share} {name}" for name, share in (load.mix or {}).items())
        of = f" ({mix})" if mix else ""
        yield f"  load      {load.customers} customers, {made}{of}, {load.workers} processes"
    for each in plan.faults:
        spec = each.spec
        length = f"for {show_duration(spec.for_)}" if spec.for_ else "momentary"
        far = getattr(spec, "to", None) or getattr(spec, "host", None)
        to = f" to {far}" if far else ""
        start = spec.hold.told() if spec.hold else f"at {show_duration(spec.begins_s)}"
        yield f"  {each.id:9} {spec.fault} on {spec.target}{to}, {start}, {length}"
        yield f"  {'':9}   in by: {spec.path()}"
        yield f"  {'':9}   out by: {spec.heals_how}"
    yield from _incident(plan)
    for check in plan.checks:
        yield f"  check     {check.label}: {check.about}"
    for probe in plan.probes:
        sacred = ", sacred" if probe.sacred else ""
        yield f"  probe     {probe.name} every {show_duration(probe.period_s)}{sacred}"
    for note in plan.notes:
        yield f"  note      {note}"
    for item in plan.not_checked:
        yield f"  unseen    {item}"


def _incident(plan: Plan) -> Iterator[str]:
    incident = plan.incident
    for one in incident.detections:
        within = show_duration(one.within_s)
        yield f"  detect    {one.alert} by {one.source}, within {within}"
    for act in incident.acts:
        after = f", {show_duration(act.after_s)} after" if act.after_s else ", once"
        whose = act.role if act.by == "auto" else f"{act.role}, by people"
        yield f"  {act.id:9} {act.do} ({whose}){after} {act.when}"
    for step in incident.escalations:
        after = show_duration(step.after_s)
        yield f"  escalate  to {step.role} when nobody acknowledged for {after}"
    for stream in incident.messages:
        yield f"  tell      {stream.audience} by {stream.channel}, {_cadence(stream)}"
    if incident.time_scale != 1:
        yield f"  clock     one second here is {incident.time_scale:g} s of the playbook"


def _cadence(stream: PlannedMessages) -> str:
    if stream.every_s is None:
        return f"a summary within {show_duration(stream.within_s or 0.0)} of the resolution"
    return f"at once, then every {show_duration(stream.every_s)} until it is resolved"
