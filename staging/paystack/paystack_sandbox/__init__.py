"""
A sandbox of Paystack: one file a resource, texts and codes as the real API gives them.

Faithful where money is concerned: one success per reference, a capture is durable before it is
answered, and the API, the list and the webhook each tell of it on their own.
"""
