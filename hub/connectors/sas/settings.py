"""Settings of the SAS connector."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field


class SasSettings(BaseModel, extra="forbid"):
    """How outcomes reach the platforms that handed requests over."""

    allowed_hosts: list[str] = Field(
        default_factory=list, description="hôtes où une plateforme peut recevoir nos notifications"
    )
    authority: Path | None = Field(None, description="racine de confiance des plateformes")
    certificate: Path | None = Field(None, description="certificat client de la structure (ORG AUTH_CLI)")
    key: Path | None = Field(None, description="clé du certificat client")
    timeout: float = Field(7.0, description="délai d'attente, en secondes : la limite de la plateforme elle-même")
