"""Settings of the directory connector."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr


class RppsSettings(BaseModel, extra="forbid"):
    """Where the national extraction is fetched, and when a new one is not trusted (rpps.md 10.4)."""

    base_url: str = Field("", description="adresse des extractions de l'annuaire, avec sa barre finale")
    mirror_url: str = Field(
        "",
        description="adresse des copies de data.gouv.fr, utilisée quand la précédente ne répond pas, avec sa barre finale",
    )
    authority: Path | None = Field(None, description="racine de confiance de l'annuaire, pour cet hôte seulement")
    timeout: float = Field(60.0, description="délai d'attente, en secondes")
    least_share: float = Field(
        0.95, description="part minimale des personnes de l'annuaire en service qu'un nouveau doit contenir", ge=0, le=1
    )
    least_list_share: float = Field(
        0.8, description="même part, en lignes, pour les listes qui ne comptent pas de personnes", ge=0, le=1
    )
    most_missing: float = Field(
        0.01,
        description="part des personnes disparues en une fois au-delà de laquelle un fichier est refusé",
        ge=0,
        le=1,
    )
    missing_days: int = Field(
        3, description="jours d'absence avant qu'une personne disparue ne soit plus montrée", ge=0
    )
    history_days: int = Field(400, description="jours pendant lesquels le passé de l'annuaire est gardé", ge=30)
    gone_days: int = Field(
        30, description="jours pendant lesquels une personne partie est gardée sans être montrée", ge=30
    )
    least_persons: int = Field(0, description="nombre minimal de personnes d'un premier chargement", ge=0)
    most_rejected: float = Field(
        0.001, description="part maximale de lignes mal formées au-delà de laquelle un fichier est refusé", ge=0, le=1
    )
    most_bytes: int = Field(4_000_000_000, description="taille maximale du fichier reçu, en octets", gt=0)
    most_unpacked: int = Field(40_000_000_000, description="taille maximale d'un fichier une fois décompressé", gt=0)
    most_ratio: int = Field(100, description="rapport de compression au-delà duquel un ZIP est refusé", gt=1)
    api_url: str = Field(
        "", description="adresse de l'API FHIR de l'annuaire ; vide : seules les extractions sont chargées"
    )
    api_key: SecretStr = Field(SecretStr(""), description="clé de l'API FHIR de l'annuaire")
    api_authority: Path | None = Field(None, description="racine de confiance de l'API FHIR, pour cet hôte seulement")
    api_timeout: float = Field(30.0, description="délai d'attente d'une réponse de l'API FHIR, en secondes", gt=0)
    api_rate: float = Field(17.0, description="appels par seconde à l'API FHIR, au plus", gt=0)
    api_page: int = Field(100, description="ressources demandées par page de l'API FHIR", ge=1, le=1000)
    api_most_persons: int = Field(
        50_000,
        description="personnes relues à l'API FHIR en une fois, au plus ; au-delà, l'extraction s'en charge",
        ge=1,
    )
    api_overlap_hours: float = Field(
        1.0, description="heures relues avant la dernière mise à jour vue : les horloges diffèrent", ge=0
    )
    api_window_days: int = Field(30, description="jours pendant lesquels l'API garde ses mises à jour", ge=1)

    @property
    def has_api(self) -> bool:
        """Whether increments can be asked for: an address and a key."""
        return bool(self.api_url and self.api_key.get_secret_value())
