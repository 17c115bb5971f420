"""The payments ledger: who reads Paystack and the shop, and what is concluded from it."""
