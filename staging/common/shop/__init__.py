"""What vauntico-server and fulfillment-engine both know of the shop."""

from pathlib import Path

SCHEMA = Path(__file__).with_name("schema.sql").read_text()
