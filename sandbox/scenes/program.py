"""The third-party software of a doctor's practice: what it may read before and after the acceptance."""

import httpx

from sandbox.scenes import cast
from sandbox.scenes.cast import LEBRUN, VASSEUR
from sandbox.scenes.scene import Hub, Step
from sandbox.software import Software
from sandbox.world import World

PRACTICES = {VASSEUR: "vasseur", LEBRUN: "lebrun"}
SCOPE = "system/Task.rs system/ServiceRequest.rs system/Patient.rs system/Appointment.rs"


class Program:
    """The third-party software, before and after the acceptance."""

    def __init__(
        self, national_id: str, *, line: httpx.AsyncClient, hub: Hub, world: World, ids: tuple[str, str, str]
    ) -> None:
        self.line, self.world = line, world
        self.request, self.patient, self.ins = ids
        name = f"logiciel-cabinet-{PRACTICES[national_id]}"
        self.software = Software(client=name, directory=world.certificates.dir, base=hub.machine_url)

    async def step(self, title: str, *, whole: bool) -> Step:
        answer = await self.software.token(self.line, SCOPE, self.world.clock.now())
        token = answer.json().get("access_token", "")
        headers = {"Authorization": f"Bearer {token}"}
        patient = await self.line.get(f"/fhir/Patient/{self.patient}", headers=headers)
        found = await self.line.get("/fhir/Task", params={"focus": f"ServiceRequest/{self.request}"}, headers=headers)
        criteria = {"identifier": f"urn:oid:1.2.250.1.213.1.4.10|{self.ins}"}
        named = await self.line.get("/fhir/Patient", params=criteria, headers=headers)
        shown = cast.TRAITS["family"] in patient.text
        hits = named.json().get("entry", []) if named.status_code == 200 else []
        matches = [entry for entry in hits if entry.get("search", {}).get("mode") == "match"]
        cut = "REDACTED" in patient.text
        return Step(
            title=title,
            passed=patient.status_code == 200 and found.status_code == 200 and shown is whole and cut is not whole
            and bool(matches) is whole,
            evidence={
                "Jeton": f"{self.software.client}, assertion ES384, {answer.status_code}",
                "GET Patient": f"{patient.status_code}, {'entier' if not cut else 'coupé, étiquette REDACTED'}",
                "Recherche par l’INS": f"{len(matches)} résultat",
                "GET Task?focus=": f"{found.status_code}, {len(found.json().get('entry', []))} tâches visibles",
            },
            look_at=f"{self.line.base_url}/fhir/metadata",
        )  # fmt: skip
