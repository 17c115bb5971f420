"""Looks at staging on a schedule and records what they saw; they never judge."""
