"""What the sandbox may be told: options of `python -m sandbox`, or SANDBOX_* variables. The environment is read here only."""

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

# Each door: distance from the base port, and the scheme it speaks.
DOORS: dict[str, tuple[int, str]] = {
    "home": (0, "http"),
    "psc": (1, "https"),
    "wallet": (2, "http"),
    "sas": (3, "https"),
    "dmp": (4, "https"),
    "rpps": (5, "https"),
    "smtp": (6, "smtp"),
    "sms": (7, "https"),
}


class Settings(BaseSettings):
    """Raises a pydantic ValidationError when HUB_ENV names the production: the sandbox never runs there."""

    model_config = SettingsConfigDict(env_prefix="SANDBOX_", extra="ignore", frozen=True)

    base_port: int = Field(default=8100, ge=1024, le=65000)
    run_dir: Path = Path("run/sandbox")
    hub_url: str = "http://localhost:8000"
    hub_machine_url: str = "https://localhost:8443"
    clock_file: Path | None = None
    cda_schema: Path | None = None  # entry point of the published CDA schema set, if the operator has it
    moody: bool = False
    host: str = "127.0.0.1"
    hub_env: str = Field(default="", validation_alias="HUB_ENV")

    @field_validator("hub_env")
    @classmethod
    def never_in_production(cls, value: str) -> str:
        if value.strip().lower() == "production":
            raise ValueError("the sandbox does not run beside the production (HUB_ENV=production)")
        return value

    @field_validator("hub_url", "hub_machine_url")
    @classmethod
    def without_final_slash(cls, value: str) -> str:
        return value.rstrip("/")

    def port(self, name: str) -> int:
        """Port of the door `name` (a key of DOORS)."""
        return self.base_port + DOORS[name][0]

    def url(self, name: str) -> str:
        """Address of the door `name`, without a final slash: `https://localhost:8104`."""
        return f"{DOORS[name][1]}://localhost:{self.port(name)}"
