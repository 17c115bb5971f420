"""What vauntico-server and fulfillment-engine both know of the shop."""
