"""What must hold: probes that look, checks that judge."""
