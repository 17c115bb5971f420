"""The shop's pages, accounts and checkout."""
