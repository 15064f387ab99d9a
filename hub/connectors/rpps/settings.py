"""Settings of the directory connector."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field


class RppsSettings(BaseModel, extra="forbid"):
    """Where the national extraction is fetched, and when a new one is not trusted (rpps.md 10.4)."""

    base_url: str = Field("", description="adresse des extractions de l'annuaire, avec sa barre finale")
    authority: Path | None = Field(None, description="racine de confiance de l'annuaire, pour cet hôte seulement")
    timeout: float = Field(60.0, description="délai d'attente, en secondes")
    least_share: float = Field(
        0.9, description="part minimale des lignes de l'annuaire en service qu'un nouveau doit contenir", ge=0, le=1
    )
    least_persons: int = Field(0, description="nombre minimal de personnes d'un premier chargement", ge=0)
    most_rejected: float = Field(
        0.001, description="part maximale de lignes mal formées au-delà de laquelle un fichier est refusé", ge=0, le=1
    )
    most_bytes: int = Field(4_000_000_000, description="taille maximale du fichier reçu, en octets", gt=0)
    most_unpacked: int = Field(40_000_000_000, description="taille maximale d'un fichier une fois décompressé", gt=0)
    most_ratio: int = Field(100, description="rapport de compression au-delà duquel un ZIP est refusé", gt=1)
