"""Settings of the SAS connector."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field


class SasSettings(BaseModel, extra="forbid"):
    """How outcomes reach the platforms that handed requests over."""

    allowed_hosts: list[str] = Field(
        default_factory=list, description="hôtes où une plateforme peut recevoir nos notifications"
    )
    platform_url: str = Field(
        "", description="adresse FHIR où la plateforme nationale reçoit les rendez-vous ; vide : aucun"
    )
    tells_pending: bool = Field(
        False, description="transmet aussi les rendez-vous proposés, avant que le patient ait confirmé (à convenir)"
    )
    category: Literal["002", "604"] = Field(
        "002", description="catégorie d'orientation des rendez-vous : 002 place de marché, 604 CPTS"
    )
    authority: Path | None = Field(None, description="racine de confiance des plateformes")
    certificate: Path | None = Field(None, description="certificat client de la structure (ORG AUTH_CLI)")
    key: Path | None = Field(None, description="clé du certificat client")
    timeout: float = Field(7.0, description="délai d'attente, en secondes : la limite de la plateforme elle-même")
