"""What is written on the engine: labels and names, from which alone any checkout can heal."""

import json
from collections.abc import Mapping, Sequence

import msgspec

from experiments.runtime.shapes import ArmedFault, Intended

PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"
TARGET = "drill.target"
TARGET_VALUE = "staging"
RUN, OF, ROLE, FAULT = "drill.run", "drill.project", "drill.role", "drill.fault"
FOR = "drill.container"
ACT, KEPT, KEEPS = "drill.act", "drill.kept", "drill.keeps"
HOST, BOOT, FLOCK, STARTED = "drill.host", "drill.boot", "drill.flock", "drill.started"
USER, SPACE, PROCESSES = "drill.user", "drill.pidspace", "drill.processes"
AGENT_IMAGE = "vauntico-drills/agent:3"
AGENT_HASH = "drill.agent"


def written(run: str, project: str, role: str, faults: Sequence[ArmedFault]) -> dict[str, str]:
    """Labels of one container of ours; `drill.fault` is a JSON array of every fault it is for."""
    labels = {RUN: run, OF: project, ROLE: role}
    if faults:
        labels[FAULT] = msgspec.json.encode(list(faults)).decode()
    return labels


def faults_on(labels: Mapping[str, str]) -> tuple[ArmedFault, ...]:
    """The faults a container of ours was written for; empty if there are none to be read."""
    text = labels.get(FAULT)
    if not text:
        return ()
    try:
        return tuple(msgspec.json.decode(text, type=list[ArmedFault]))
    except msgspec.MsgspecError:
        return ()


def act_on(labels: Mapping[str, str]) -> Intended | None:
    """The act of the playbook a marker was written for; None if there is none to be read."""
    try:
        return msgspec.json.decode(labels.get(ACT, ""), type=Intended)
    except msgspec.MsgspecError:
        return None


def act_text(act: Intended) -> str:
    """An act as a label."""
    return msgspec.json.encode(act).decode()


def number_in(spec: str, field: str, default_s: float) -> float:
    """Seconds of a duration in a fault's spec, a number or text such as `4s`, else *default_s*."""
    try:
        value = json.loads(spec).get(field, default_s)
    except (ValueError, AttributeError):
        return default_s
    if isinstance(value, (int, float)):
        return float(value)
    for unit, scale in (("ms", 0.001), ("s", 1.0), ("m", 60.0)):
        number = str(value).removesuffix(unit)
        if number != value and number.replace(".", "", 1).isdigit():
            return float(number) * scale
    return default_s


def lock_name(project: str) -> str:
    """The container whose name is the lock: taken or not, atomically."""
    return f"drill-lock-{project}"
