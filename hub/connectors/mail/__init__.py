"""Mail to people (SMTP, RFC 5321; messages RFC 5322): notices and one-time codes, never a patient datum.

One flow out, none in. The Message-ID is chosen when the message is put, so that a repeated delivery is recognised.
"""
