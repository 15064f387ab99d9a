"""How to reach Pro Santé Connect, and how strictly to read what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

AuthMethod = Literal["client_secret_basic", "client_secret_post", "tls_client_auth", "private_key_jwt"]


class PscSettings(BaseModel, extra="forbid", frozen=True):
    """One peer: changing issuer and client is enough to go from the sandbox to the national service. Delays in seconds."""

    issuer: str = Field(description="émetteur : tout le reste se découvre à partir de lui")
    client_id: str = Field(description="identifiant du service chez Pro Santé Connect")
    client_secret: SecretStr | None = Field(default=None, description="secret du service")
    redirect_uri: str = Field(description="adresse de retour, exactement comme enregistrée")
    post_logout_uri: str = Field(description="adresse de retour après la déconnexion, comme enregistrée")
    auth_method: AuthMethod = Field(default="client_secret_basic", description="comment le service prouve qui il est")
    certificate: Path | None = Field(default=None, description="certificat ORG AUTH_CLI et sa chaîne (PEM)")
    key: Path | None = Field(default=None, description="clé de ce certificat (PEM)")
    authority: Path | None = Field(
        default=None, description="seule racine de confiance (PEM) ; sans elle, celles du système"
    )
    signing_key: Path | None = Field(default=None, description="clé RSA (PEM) de la méthode private_key_jwt")
    signing_key_id: str | None = Field(default=None, description="kid de cette clé")
    timeout: float = Field(default=10.0, description="secondes d'attente d'une réponse")

    discovery_path: str | None = Field(
        default=None, description="chemin du document de découverte, à la place des deux usuels"
    )
    endpoints: dict[str, str] = Field(
        default_factory=dict, description="adresses qui remplacent celles de la découverte"
    )
    discovery_cache: float = Field(default=3600.0, description="secondes pendant lesquelles la découverte sert")
    keys_cache: float = Field(default=3600.0, description="secondes pendant lesquelles les clés publiques servent")
    keys_refetch: float = Field(
        default=30.0, description="secondes entre deux relectures pour une clé inconnue ou après un échec"
    )

    scope: str = Field(
        default="openid scope_all", description="ce qui est demandé ; scope_all pour les données de métier"
    )
    acr_values: str = Field(default="eidas1", description="niveau demandé")
    acr_missing: Literal["accept", "refuse"] = Field(
        default="accept", description="que faire quand le niveau n'est pas dit"
    )
    leeway: int = Field(default=60, ge=0, le=60, description="secondes d'écart d'horloge tolérées")
    idp_hints: dict[str, str] = Field(
        default_factory=dict, description="établissement de l'adresse -> alias de son fournisseur"
    )
    accept_test_identities: bool = Field(
        default=False, description="laisse entrer les identités de test ; jamais en production"
    )
    button_svg: Path | None = Field(default=None, description="dessin officiel du bouton, pour qui en a le droit")

    session_check: float = Field(
        default=300.0, description="secondes après lesquelles un geste fait confirmer la séance"
    )
    session_idle: float = Field(default=1800.0, le=1800.0, description="secondes sans geste avant la fin de la séance")
    session_life: float = Field(default=14400.0, le=14400.0, description="secondes depuis l'identification, en tout")
    logout_token_age: float = Field(default=300.0, description="âge en secondes d'un ordre de déconnexion encore reçu")

    @model_validator(mode="after")
    def _credentials(self) -> Self:
        if self.auth_method.startswith("client_secret") and self.client_secret is None:
            raise ValueError(f"psc.auth_method {self.auth_method} needs psc.client_secret")
        if self.auth_method == "tls_client_auth" and self.certificate is None:
            raise ValueError("psc.auth_method tls_client_auth needs psc.certificate and psc.key")
        if self.auth_method == "private_key_jwt" and self.signing_key is None:
            raise ValueError("psc.auth_method private_key_jwt needs psc.signing_key")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("psc.certificate and psc.key go together")
        return self
