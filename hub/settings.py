"""The settings of one process: read once, from the environment, the secret files and the file of the environment named by
``HUB_ENV``, in this order of authority. Nothing below the composition floor reads the environment.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from hub.connectors.dmp.settings import DmpSettings
from hub.connectors.mail.settings import MailSettings
from hub.connectors.psc.settings import PscSettings
from hub.connectors.rpps.settings import RppsSettings
from hub.connectors.sas.settings import SasSettings
from hub.connectors.sms.settings import SmsSettings
from hub.domain import centres
from hub.domain.centres import Publication

CONFIG = Path(__file__).with_name("config")
PREFIX = "HUB_"
# Variables that choose where settings come from, hence are not settings themselves.
OUTSIDE = frozenset({"HUB_ENV", "HUB_SECRETS", "HUB_TEST_REQUIRE", "HUB_TEST_CONFORMANCE"})


class WrongSettings(Exception):
    """A setting is missing, unknown or wrong; the text says which, in one line."""


class ServeSettings(BaseModel, extra="forbid"):
    """The doors of the hub."""

    host: str = Field("127.0.0.1", description="adresse d'écoute")
    port: int = Field(8000, description="port des pages et du FHIR pour les navigateurs")
    machine_port: int = Field(8443, description="port des machines, en TLS mutuel")
    certificate: Path | None = Field(None, description="certificat du serveur pour la porte des machines")
    key: Path | None = Field(None, description="clé du certificat du serveur")
    client_authority: Path | None = Field(None, description="racine des certificats clients acceptés")
    public_url: str = Field("http://localhost:8000", description="adresse publique des pages")
    machine_url: str = Field("https://localhost:8443", description="adresse publique de la porte des machines")
    stream_life: float = Field(
        900.0, gt=0, description="secondes d'un flux de la supervision, puis le navigateur revient de lui-même"
    )
    secure_cookies: bool = Field(True, description="cookies réservés à https (et à localhost)")


class FhirSettings(BaseModel, extra="forbid"):
    """Our own names in FHIR."""

    canonical_base: str = Field(
        "https://hub.example.org/fhir", description="base des noms canoniques, fixée une fois pour toutes"
    )
    handoffs_per_minute: int = Field(60, description="remises acceptées par minute et par client")


class OutboxSettings(BaseModel, extra="forbid"):
    """Later work."""

    dry_run: bool = Field(False, description="prépare tout, n'envoie rien")
    at_once: int = Field(8, description="messages traités en même temps")
    look_every: float = Field(1.0, description="secondes entre deux regards sur la file")
    lease: float = Field(
        120.0,
        gt=0,
        description="secondes après lesquelles le travail d'un processus mort est repris, plus qu'un échange",
    )


class Settings(BaseSettings):
    """Everything that varies from one installation to another."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    env: Literal["sandbox", "bas", "production"] = Field("sandbox", description="environnement : couleur du bandeau")
    banner: str = Field("", description="phrase du bandeau en haut de chaque page, vide sans bandeau")
    phone: str = Field("", description="téléphone de la cellule de coordination")
    data_dir: Path = Field(Path("run"), description="dossier des données : base embarquée, fichiers")
    database_url: SecretStr | None = Field(None, description="serveur PostgreSQL ; sans lui, la base embarquée")
    encryption_keys: list[SecretStr] = Field(
        default_factory=list, description="clés de chiffrement, la première chiffre"
    )
    communes_file: Path | None = Field(
        None, description="table ouverte des communes (code INSEE, latitude, longitude), à la place de nos points"
    )
    clock_file: Path | None = Field(None, description="décalage de l'horloge du bac à sable")
    log_level: str = Field("INFO", description="niveau des journaux")
    serve: ServeSettings = Field(default_factory=ServeSettings, description="les portes du hub")  # type: ignore[arg-type]
    fhir: FhirSettings = Field(default_factory=FhirSettings, description="les noms du hub en FHIR")  # type: ignore[arg-type]
    outbox: OutboxSettings = Field(default_factory=OutboxSettings, description="les messages à envoyer")  # type: ignore[arg-type]
    psc: PscSettings = Field(description="Pro Santé Connect")
    sas: SasSettings = Field(description="plateforme SAS")
    dmp: DmpSettings = Field(description="DMP")
    rpps: RppsSettings = Field(description="annuaire national")
    mail: MailSettings = Field(description="courriel")
    sms: SmsSettings = Field(description="SMS")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then secret files, then the TOML of the environment."""
        sources: list[PydanticBaseSettingsSource] = [init_settings, EnvSettingsSource(settings_cls)]
        secrets = os.environ.get("HUB_SECRETS")
        if secrets:
            sources.append(
                NestedSecretsSettingsSource(
                    file_secret_settings, secrets_dir=secrets, secrets_prefix="", secrets_nested_delimiter="__"
                )
            )
        sources.append(TomlConfigSettingsSource(settings_cls, CONFIG / f"{environment()}.toml"))
        return tuple(sources)


def environment() -> str:
    """The name in ``HUB_ENV``; the sandbox when it is not set."""
    return os.environ.get("HUB_ENV", "sandbox")


def known_variables() -> frozenset[str]:
    """Every ``HUB_*`` variable that means something."""
    names = set(OUTSIDE)
    for name, field in Settings.model_fields.items():
        names.add(f"{PREFIX}{name.upper()}")
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            names |= {f"{PREFIX}{name.upper()}__{part.upper()}" for part in inner.model_fields}
    return frozenset(names)


def _require_known() -> None:
    strange = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known_variables())
    if strange:
        raise WrongSettings(f"unknown setting: {', '.join(strange)}")


@cache
def load() -> Settings:
    """The settings of this process. Raises :class:`WrongSettings` in one line when one is unknown, missing or wrong."""
    _require_known()
    if not (CONFIG / f"{environment()}.toml").is_file():
        raise WrongSettings(f"HUB_ENV={environment()}: no such environment")
    try:
        settings = Settings()  # type: ignore[call-arg]
    except ValueError as trouble:
        raise WrongSettings(_one_line(trouble)) from trouble
    if settings.env == "production" and not settings.encryption_keys:
        raise WrongSettings("production needs HUB_ENCRYPTION_KEYS")
    if settings.communes_file is not None:
        communes(settings.communes_file)
    return settings


@cache
def communes(path: Path) -> Publication:
    """The points of the communes of a file, read once. Raises :class:`WrongSettings`."""
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as lines:  # of names nothing is kept
            return centres.read(lines)
    except OSError as trouble:
        raise WrongSettings(f"communes_file : {path} n’existe pas ou ne s’ouvre pas ({trouble.strerror})") from trouble
    except centres.Unreadable as trouble:
        raise WrongSettings(f"communes_file : {path} n’est pas une table de communes : {trouble}") from trouble


def _one_line(trouble: ValueError) -> str:
    errors = getattr(trouble, "errors", None)
    if errors is None:
        return str(trouble)
    return "; ".join(f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in errors())


def table(settings: Settings) -> list[dict[str, Any]]:
    """Every setting with its value (secrets hidden) and what it is for: the rows of ``hub config``."""
    rows: list[dict[str, Any]] = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            for part, inner in type(value).model_fields.items():
                rows.append(_row(f"{name}.{part}", getattr(value, part), inner.description))
        else:
            rows.append(_row(name, value, field.description))
    return rows


def _row(name: str, value: Any, description: str | None) -> dict[str, Any]:
    shown = [str(part) for part in value] if isinstance(value, list) else str(value)
    variable = f"{PREFIX}{name.replace('.', '__').upper()}"
    source = "environment" if variable in os.environ else "file or default"
    return {"name": name, "value": shown, "from": source, "for": description or ""}
