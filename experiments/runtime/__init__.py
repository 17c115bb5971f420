"""The ports through which a drill touches the world, and their adapters."""
