"""The whole house on one machine: database, twins, serve and work as processes of their own, with addresses that do not collide.

``hub dev`` and the journey tests start it the same way. Nothing here is imported from the sandbox: it is another program.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

READY_WITHIN = 60.0  # seconds
STOP_WITHIN = 10.0


class CannotStart(Exception):
    """A process did not start; the text says which, why, and where its log is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where everything listens. The twins take eight ports from ``sandbox`` on."""

    web: int = 8000
    machine: int = 8443
    sandbox: int = 8100

    def all(self) -> list[int]:
        """Every port that must be free."""
        return [self.web, self.machine, *range(self.sandbox, self.sandbox + 8)]


def taken(ports: Ports) -> list[int]:
    """The ports somebody listens on already."""
    found = []
    for port in ports.all():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                found.append(port)
    return found


def environment(directory: Path, ports: Ports) -> dict[str, str]:
    """The settings of a sandbox installation that lives in ``directory``."""
    certificates = directory / "certificates"
    authority = str(certificates / "authority.pem")
    web = f"http://localhost:{ports.web}"
    twins = {name: f"https://localhost:{ports.sandbox + number}" for number, name in enumerate(TWINS)}

    def pair(prefix: str, name: str, certificate: str = "CERTIFICATE", key: str = "KEY") -> dict[str, str]:
        return {
            f"{prefix}__{certificate}": str(certificates / f"{name}.pem"),
            f"{prefix}__{key}": str(certificates / f"{name}.key"),
        }

    return {
        "HUB_ENV": "sandbox",
        "HUB_DATA_DIR": str(directory),
        "HUB_CLOCK_FILE": str(directory / "clock"),
        "HUB_SERVE__PORT": str(ports.web),
        "HUB_SERVE__MACHINE_PORT": str(ports.machine),
        "HUB_SERVE__PUBLIC_URL": web,
        "HUB_SERVE__MACHINE_URL": f"https://localhost:{ports.machine}",
        "HUB_SERVE__CLIENT_AUTHORITY": authority,
        **pair("HUB_SERVE", "hub-server"),
        **{f"HUB_{name}AUTHORITY": authority for name in TRUSTING},
        "HUB_PSC__ISSUER": f"{twins['psc']}/auth/realms/esante-wallet",
        "HUB_PSC__REDIRECT_URI": f"{web}/connexion/psc/retour",
        "HUB_PSC__POST_LOGOUT_URI": f"{web}/connexion",
        "HUB_SAS__PLATFORM_URL": f"{twins['sas']}/fhir",
        **pair("HUB_SAS", "hub-auth-cli"),
        "HUB_DMP__SERVICE_ROOT": f"{twins['dmp']}/si-dmp-server/v2/services/",
        **pair("HUB_DMP", "hub-auth-cli", "TRANSPORT_CERTIFICATE", "TRANSPORT_KEY"),
        **pair("HUB_DMP", "hub-sign", "SIGNING_CERTIFICATE", "SIGNING_KEY"),
        "HUB_RPPS__BASE_URL": f"{twins['rpps']}/annuaire-sante-webservices/V300/services/extraction/",
        "HUB_RPPS__MIRROR_URL": f"{twins['rpps']}/api/1/datasets/r/",
        "HUB_RPPS__API_URL": f"{twins['rpps']}/fhir/v2",
        "HUB_MAIL__PORT": str(ports.sandbox + TWINS.index("smtp")),
        "HUB_SMS__URL": f"{twins['sms']}/messages",
    }


TRUSTING = ("PSC__", "SAS__", "DMP__", "RPPS__", "RPPS__API_", "MAIL__", "SMS__")  # the authority of the sandbox
TWINS = ("home", "psc", "wallet", "sas", "dmp", "rpps", "smtp", "sms")


@dataclass(slots=True)
class Stack:
    """The processes of one installation. Start them in the order sandbox, serve, work; stop them all at the end."""

    directory: Path
    ports: Ports = field(default_factory=Ports)
    steady: bool = True
    more: dict[str, str] = field(default_factory=dict)  # settings beyond those of every installation, by variable
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    logs: dict[str, IO[bytes]] = field(default_factory=dict)

    @property
    def home(self) -> str:
        """Address of the sandbox's own pages and side doors."""
        return f"http://localhost:{self.ports.sandbox}"

    @property
    def web(self) -> str:
        """Address of the hub's pages."""
        return f"http://localhost:{self.ports.web}"

    @property
    def machine(self) -> str:
        """Address of the door for machines."""
        return f"https://localhost:{self.ports.machine}"

    def variables(self) -> dict[str, str]:
        """Environment of every process: this one's without any ``HUB_`` of its own, and the settings of the installation."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HUB_", "SANDBOX_"))}
        given = {name: os.environ[name] for name in ("HUB_DATABASE_URL",) if name in os.environ}
        return {**kept, **environment(self.directory, self.ports), **given, **self.more, "PYTHONUNBUFFERED": "1"}

    def start_sandbox(self) -> None:
        """The twins, with certificates made anew."""
        mood = "--steady" if self.steady else "--moody"
        command = [
            sys.executable, "-m", "sandbox", "--base-port", str(self.ports.sandbox), "--run-dir", str(self.directory),
            "--hub-url", self.web, "--hub-machine-url", self.machine, "--clock-file", str(self.directory / "clock"), mood,
        ]  # fmt: skip
        self._start("sandbox", command, f"{self.home}/twins")

    def start_serve(self) -> None:
        """The server, once its pages answer."""
        self._start("serve", [sys.executable, "-m", "hub", "serve"], f"{self.web}/health")

    def start_work(self) -> None:
        """The worker."""
        self._start("work", [sys.executable, "-m", "hub", "work"], None)

    def _start(self, name: str, command: list[str], answers_at: str | None) -> None:
        (self.directory / "logs").mkdir(parents=True, exist_ok=True)
        log = (self.directory / "logs" / f"{name}.log").open("ab")
        self.logs[name] = log
        process = subprocess.Popen(command, env=self.variables(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.running[name] = process
        limit = time.monotonic() + READY_WITHIN
        while answers_at is not None and not _answers(answers_at):
            if process.poll() is not None or time.monotonic() > limit:
                raise CannotStart(f"{name} did not start: see {log.name}\n{_tail(Path(log.name))}")
            time.sleep(0.1)

    def kill(self, name: str) -> None:
        """``kill -9``: what a power cut or an operator's mistake would do."""
        process = self.running.pop(name)
        process.kill()
        process.wait()
        self.logs.pop(name).close()

    def stop(self) -> None:
        """Ask every process to stop, the worker first; kill those that do not."""
        for name in reversed(list(self.running)):
            process = self.running.pop(name)
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self.logs.pop(name).close()

    def clear(self) -> None:
        """Forget what the last run left: database, clock, certificates, logs, attachments."""
        for name in ("postgresql", "certificates", "logs", "files"):
            shutil.rmtree(self.directory / name, ignore_errors=True)
        for name in ("clock", "encryption.key"):
            (self.directory / name).unlink(missing_ok=True)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address on the loopback
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _tail(file: Path, lines: int = 15) -> str:
    return "\n".join(file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
