"""Trouble with an outside service, in six kinds.

The worker knows kinds, never the codes of a service: each connector's ``errors.csv`` says which national code is which kind.
"""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a failure means for the message that met it."""

    UNREACHABLE = "unreachable"  # no answer, TLS or network trouble: try again
    BUSY = "busy"  # the peer asks us to wait
    DENIED = "denied"  # our certificate, token or rights: hold the connector, alert
    REFUSED = "refused"  # understood, and no: stop, show the owner
    REPEATED = "repeated"  # the peer has it already: counts as delivered
    GARBLED = "garbled"  # the answer breaks the specification: stop, keep the raw answer


class ConnectorFailure(Exception):
    """An outside service did not do what we asked.

    ``code`` is the service's own (``XDSRepositoryBusy``, ``invalid_grant``, ``503``); ``detail`` is for developers and must
    not hold patient data; ``retry_after`` is in seconds, when the peer said so; ``raw`` is the answer kept for analysis.
    """

    def __init__(
        self,
        service: str,
        kind: Kind,
        code: str,
        detail: str = "",
        *,
        retry_after: float | None = None,
        raw: bytes = b"",
    ) -> None:
        super().__init__(f"{service}: {kind} {code}")
        self.service = service
        self.kind = kind
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.raw = raw
