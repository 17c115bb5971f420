"""The fault agent: what runs inside a sidecar container. Standard library only."""
