"""Grants what was paid, exactly once, and mails the receipt."""
