"""Text messages to people, through the operator's gateway (HTTP, JSON). One flow out, none in.

No national protocol exists; this one is the plainest that gateways offer: POST of a number, a text and an idempotency key.
Texts stay in one part of the GSM alphabet and name no patient.
"""
