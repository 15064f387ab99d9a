"""Settings of the mail connector."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr


class MailSettings(BaseModel, extra="forbid"):
    """The SMTP server that takes our mails."""

    host: str = Field("localhost", description="serveur SMTP")
    port: int = Field(587, description="port du serveur SMTP")
    security: str = Field(
        "starttls", pattern="^(starttls|tls|none)$", description="chiffrement : starttls, tls ou none"
    )
    authority: Path | None = Field(None, description="racine de confiance du serveur, quand elle n'est pas publique")
    user: str = Field("", description="compte SMTP, vide sans authentification")
    password: SecretStr = Field(SecretStr(""), description="secret du compte SMTP")
    sender: str = Field("Colibri <ne-pas-repondre@example.org>", description="expéditeur des courriels")
    domain: str = Field("colibri.example.org", description="domaine des identifiants de message")
    timeout: float = Field(15.0, description="délai d'attente, en secondes")
