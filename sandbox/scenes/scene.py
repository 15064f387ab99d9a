"""What a scene is: a small story played on the real doors, told step by step."""

import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from sandbox.authority import Certificates
from sandbox.settings import Settings
from sandbox.world import World

PATIENCE = 30.0  # seconds a call of a scene may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened. `title` in French; `evidence` says by what one sees it (French label, value);
    `look_at` is the page that shows it, absolute or on the home port."""

    title: str
    passed: bool
    evidence: dict[str, str] = field(default_factory=dict)
    look_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """The hub as a scene meets it: from outside only, by its two doors."""

    url: str
    machine_url: str
    certificates: Certificates

    def browser(self, **options: Any) -> httpx.AsyncClient:
        """A person's browser, with its own cookies; it follows no redirection by itself."""
        options = {"base_url": self.url, "timeout": PATIENCE, "trust_env": False, **options}
        line = httpx.AsyncClient(verify=self._trust(None), **options)

        async def trust_localhost(_answer: httpx.Response) -> None:
            """Browsers send cookies kept for https to http://localhost too (W3C Secure Contexts); this client does not."""
            for cookie in line.cookies.jar:
                cookie.secure = False

        line.event_hooks = {**line.event_hooks, "response": [*line.event_hooks["response"], trust_localhost]}
        return line

    def machine(self, certificate: str | None = None, **options: Any) -> httpx.AsyncClient:
        """A machine at the machine door; `certificate` is a name of the sandbox, such as `sas-client`."""
        options = {"base_url": self.machine_url, "timeout": PATIENCE, **options}
        return httpx.AsyncClient(verify=self._trust(certificate), **options)

    def _trust(self, certificate: str | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.certificates.authority))
        if certificate is not None:
            context.load_cert_chain(self.certificates.path(certificate), self.certificates.key(certificate))
        return context


def hub_of(settings: Settings, certificates: Certificates) -> Hub:
    return Hub(url=settings.hub_url, machine_url=settings.hub_machine_url, certificates=certificates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """`name` goes in addresses; `title` and `about` are French; `play` yields each step as it happens."""

    name: str
    title: str
    about: str
    play: Callable[[World, Hub], AsyncIterator[Step]]
