"""What a professional wants before having said anything (workflow.md 3; figures are the project's choice)."""

from __future__ import annotations

DEFAULT_HOURS: dict[str, list[str]] = {day: ["08:00-20:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat")}
DEFAULT_RADIUS_KM = 10
DEFAULT_KINDS = ("visite", "consultation")
WIDEST_RADIUS_KM = 100
