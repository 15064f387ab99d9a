"""A whole installation to measure: the twins, the database, the hub's own processes, and tokens of its two kinds of clients."""

from __future__ import annotations

import asyncio
import json
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from bench.load import Door, Line, request
from hub.verbs import dev
from hub.verbs.stack import Ports, Stack
from sandbox.sas.bundle import build
from sandbox.sas.hub import SCOPES
from sandbox.sas.wish import Regulator, Wish
from sandbox.software import Software

PORTS = Ports(web=18000, machine=18443, sandbox=18100)
GP = "899700999917"  # Dr Lebrun, whose software has a client of its own
SAS, SOFTWARE = "fr.health.samu950", "logiciel-cabinet-lebrun"
WANTED = "system/Task.rus system/ServiceRequest.rs system/Patient.rs system/DocumentReference.crs"
JSON = {"Content-Type": "application/fhir+json"}
MANY = {"HUB_FHIR__HANDOFFS_PER_MINUTE": "1000000"}


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Where the doors are, and what to say at each: ``sas`` at the machine door, ``software`` at the plain one."""

    stack: Stack
    machine: Door
    plain: Door
    sas: Mapping[str, str]
    software: Mapping[str, str]

    def stop_worker(self) -> None:
        """Ask the worker to finish and leave."""
        worker = self.stack.running.pop("work")
        worker.terminate()
        worker.wait()
        self.stack.logs.pop("work").close()

    def handoff(self) -> bytes:
        """A new patient of Dr Lebrun, handed over."""
        number = uuid.uuid4().hex[:12]
        wish = Wish(dossier=f"BENCH{number}", family=f"BANC-{number}".upper(), ins=None, gp=GP)
        body = json.dumps(build(wish, Regulator(), datetime.now(UTC))).encode()
        return request("POST", "/fhir", {**self.sas, **JSON}, body)

    async def take(self, handing: Line, software: Line) -> dict[str, Any]:
        """One request from the SAS's call to the software's acceptance; the child Task accepted."""
        status, body = await handing.ask(self.handoff())
        if status != 200:
            raise RuntimeError(f"handoff: {status} {body[:500]!r}")
        entries = json.loads(body)["entry"]
        made = {
            one["response"]["location"].split("/fhir/")[-1].split("/")[0]: one["response"]["location"]
            for one in entries
        }
        care_request = made["ServiceRequest"].split("/fhir/")[-1].split("/_history")[0]
        path = f"/fhir/Task?focus={care_request}&status=requested"
        _, body = await software.ask(request("GET", path, self.software))
        task: dict[str, Any] = json.loads(body)["entry"][0]["resource"]
        change = json.dumps([{"op": "replace", "path": "/status", "value": "accepted"}]).encode()
        headers = {
            **self.software,
            "Content-Type": "application/json-patch+json",
            "If-Match": f'W/"{task["meta"]["versionId"]}"',
        }
        status, body = await software.ask(request("PATCH", f"/fhir/Task/{task['id']}", headers, change))
        if status != 200:
            raise RuntimeError(f"acceptance: {status} {body[:500]!r}")
        return dict(json.loads(body))


def _tls(certificates: Path, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificates / "authority.pem"))
    context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
    return context


async def _sas_token(base: str, tls: ssl.SSLContext) -> str:
    form = {"grant_type": "client_credentials", "client_id": SAS, "scope": " ".join(SCOPES)}
    async with httpx.AsyncClient(base_url=base, verify=tls) as line:
        answer = await line.post("/oauth/token", data=form)
    return str(answer.raise_for_status().json()["access_token"])


async def _software_token(base: str, tls: ssl.SSLContext, certificates: Path) -> str:
    software = Software(client=SOFTWARE, directory=certificates, base=base)
    async with httpx.AsyncClient(base_url=base, verify=tls) as line:
        answer = await software.token(line, WANTED, datetime.now(UTC))
    return str(answer.raise_for_status().json()["access_token"])


def start(folder: Path) -> House:
    """Everything up, seeded, on ports of its own; the caller stops ``house.stack``."""
    stack = Stack(directory=folder, ports=PORTS, more=MANY)
    try:
        dev.start(stack, tell=lambda _words: None)
        certificates = folder / "certificates"
        tls = _tls(certificates, "sas-client")
        sas = asyncio.run(_sas_token(stack.machine, tls))
        software = asyncio.run(_software_token(stack.machine, tls, certificates))
    except BaseException:
        stack.stop()
        raise
    return House(
        stack=stack,
        machine=Door(port=PORTS.machine, tls=tls),
        plain=Door(port=PORTS.web),
        sas={"Authorization": f"Bearer {sas}"},
        software={"Authorization": f"Bearer {software}"},
    )
