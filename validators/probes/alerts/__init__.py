"""Who would notice: one small reader for each source of alerts, errors and customers' reports."""
