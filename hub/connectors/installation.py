"""What connectors may know of the installation they run in; given by the composition floor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """``public_url``: address of the pages, without a final slash; ``phone``: of the coordination cell, as people read it."""

    public_url: str
    phone: str
    is_production: bool = False

    def request_link(self, number: str) -> str:
        """The short address of a request: its number leads to it, and says nothing of the patient."""
        return f"{self.public_url}/d/{number}"
