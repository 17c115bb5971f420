"""Telling people: Slack and mail, on the playbook's cadence, never anywhere else."""
