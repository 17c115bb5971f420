"""The playbook's severities as data: which observations or findings make which severity."""

from typing import Literal

import msgspec


class Rule(msgspec.Struct, frozen=True, tag_field="rule", omit_defaults=True):
    """One sentence of a severity's definition that can be computed."""


class ProbesBad(Rule, frozen=True, tag="probes_bad"):
    """
    At least *at_least* of *probes* were this bad at the same time, for *lasting_s* without a break.

    *at_least* 0 means all of them.
    """

    probes: list[str]
    health: Literal["degraded", "down"] = "down"
    at_least: int = 1
    lasting_s: float = 0.0


class ErrorRate(Rule, frozen=True, tag="error_rate"):
    """More than *over* (a share between 0 and 1) of the looks at *probes* were down."""

    probes: list[str]
    over: float


class MeanLatency(Rule, frozen=True, tag="mean_latency"):
    """The mean time of the answered looks at one of *probes* was over *over_s* seconds."""

    probes: list[str]
    over_s: float


class FindingFailed(Rule, frozen=True, tag="finding_failed"):
    """One of *checks* failed: what it promises is not kept."""

    checks: list[str]


AnyRule = ProbesBad | ErrorRate | MeanLatency | FindingFailed
