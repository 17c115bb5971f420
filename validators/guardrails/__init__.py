"""The playbook's preventive guardrails, looked up in a repository and among the runs."""

from validators.guardrails.look import Where, look_at_guardrails

__all__ = ["Where", "look_at_guardrails"]
