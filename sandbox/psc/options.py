"""Durations and switches of the twin, changed while it runs by `POST /twins/psc/settings`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """Durations in seconds; the figures are those of PSC specification 3 and 12."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code_seconds: float = Field(default=60, gt=0)
    access_seconds: int = Field(default=120, gt=0)
    refresh_seconds: int = Field(default=1800, gt=0)
    idle_seconds: float = Field(default=1800, gt=0)
    session_seconds: float = Field(default=14400, gt=0)
    approval_seconds: float = Field(default=120, gt=0)
    phone_code: str = Field(default="1234", pattern=r"^[0-9]{4}$")
    card_pin: str = Field(default="1234", pattern=r"^[0-9]{4}$")
    card_tries: int = Field(default=3, gt=0)
    cnf_encoding: Literal["rfc", "ans", "none"] = "rfc"
    logout_state: bool = True
    refresh_single_use: bool = True
    backchannel_logout: bool = False  # opened per client on request, if at all (11.3)
