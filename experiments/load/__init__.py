"""Customers under load: who buys what and how, Locust as its own process, and the drill's side."""
