"""What we do to staging: scenario, environment, plan, engine and the faults."""
