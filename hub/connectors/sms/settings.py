"""Settings of the text message connector."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field, HttpUrl, SecretStr


class SmsSettings(BaseModel, extra="forbid"):
    """The gateway that sends our text messages."""

    url: HttpUrl = Field(HttpUrl("https://localhost:8107/messages"), description="adresse de la passerelle SMS")
    token: SecretStr = Field(SecretStr(""), description="jeton de la passerelle")
    authority: Path | None = Field(
        None, description="racine de confiance de la passerelle, quand elle n'est pas publique"
    )
    timeout: float = Field(10.0, description="délai d'attente, en secondes")
