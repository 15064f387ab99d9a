"""What all twins share."""

from dataclasses import dataclass

from sandbox import authority, software
from sandbox.authority import Certificates
from sandbox.clock import Clock
from sandbox.journal import Journal
from sandbox.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    settings: Settings
    clock: Clock
    certificates: Certificates
    journal: Journal


def create(settings: Settings) -> World:
    """A new world with new certificates in `settings.run_dir`/certificates."""
    clock = Clock(settings.clock_file)
    certificates = authority.create(settings.run_dir / "certificates")
    software.create(certificates.dir)
    return World(settings=settings, clock=clock, certificates=certificates, journal=Journal(clock))
