"""Readers of the shop: what was ordered, granted and sent, each read-only."""
