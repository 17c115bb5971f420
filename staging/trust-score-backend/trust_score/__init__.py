"""The four sacred features: written to PostgreSQL, read back from there or from the cache."""
