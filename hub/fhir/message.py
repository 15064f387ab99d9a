"""What goes in and out of the FHIR router: no web framework inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.domain.people import Viewer
from hub.storage.session import Database

Resource = dict[str, Any]

JSON = "application/fhir+json; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirRequest:
    """One request below ``[base]``. ``segments``: the path in parts; ``query``: pairs in order, decoded; ``headers``: lower case
    names; ``base``: absolute address of the server, without a final slash; ``viewer`` is ``None`` without a token.
    """

    method: str
    segments: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    base: str
    database: Database
    viewer: Viewer | None = None

    @property
    def caller(self) -> Viewer:
        """The viewer of a request that the router has already checked for one."""
        assert self.viewer is not None
        return self.viewer

    def preference(self, name: str) -> str | None:
        """The value of ``Prefer: name=value`` (RFC 7240), lower case name, value as sent."""
        for part in self.headers.get("prefer", "").replace(",", ";").split(";"):
            key, _, value = part.strip().partition("=")
            if key.lower() == name:
                return value.strip('"')
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirResponse:
    """One answer: ready bytes and headers."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
