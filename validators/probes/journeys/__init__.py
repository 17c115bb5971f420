"""Customers' journeys in a real browser: the only place that drives one."""
