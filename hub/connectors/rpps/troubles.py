"""The failures of this connector, by the codes of ``errors.csv``."""

from __future__ import annotations

from pathlib import Path

from hub.connectors.failure import ConnectorFailure
from hub.connectors.http import read_errors

SERVICE = "rpps"
ERRORS = read_errors(Path(__file__).with_name("errors.csv"))


def failure(code: str, detail: str = "") -> ConnectorFailure:
    """A failure of that code, of the kind its row says. ``detail``: which column, byte or line."""
    return ConnectorFailure(SERVICE, ERRORS[code].kind, code, detail)
