"""The Docker adapter: the only place that imports docker. Open it with `stack.open_stack`."""
