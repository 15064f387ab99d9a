"""Settings of the directory connector."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field


class RppsSettings(BaseModel, extra="forbid"):
    """Where the national extraction is fetched, and when a new one is not trusted."""

    base_url: str = Field("", description="adresse des extractions de l'annuaire, avec sa barre finale")
    authority: Path | None = Field(None, description="racine de confiance de l'annuaire, pour cet hôte seulement")
    timeout: float = Field(60.0, description="délai d'attente, en secondes")
    least_share: float = Field(0.9, description="part minimale des lignes de l'annuaire en service qu'un nouveau doit contenir")
