"""Invented notes, as the workflow hands them over."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hub.connectors.dmp import mapping
from hub.connectors.dmp.settings import DmpSettings
from hub.connectors.dmp.submission import Submission

NURSE = {
    "identifier": "899700000017",
    "family": "MARTIN",
    "given": "Claire",
    "profession": "60",
    "civility": "MME",
    "signed_in_at": datetime(2026, 11, 5, 17, 2, 11, tzinfo=UTC),
}
PHYSICIAN = {**NURSE, "identifier": "899700999909", "family": "VASSEUR", "given": "Hélène"} | {
    "profession": "10",
    "skill": "SM26",
    "title": "DR",
}
PATIENT = {
    "id": "9f1c2d1e-0000-4000-8000-000000000123",
    "ins": "279035121518989",
    "ins_oid": "1.2.250.1.213.1.4.10",
    "reliability": "QUAL",
    "birth_name": "PAT-TROIS",
    "given": "DOMINIQUE MARIE-LOUISE",
    "first_given": "DOMINIQUE",
    "sex": "female",
    "birth_date": date(1979, 3, 28),
    "birth_place": "51215",
}
PDF = b"%PDF-1.4\n<pdfaid:part>1</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>\n%%EOF invented"
IDS = {
    "unique_id": "1.2.250.1.999.1.1.4242.3.20261105.17",
    "set_id": "1.2.250.1.999.1.1.4242.2.20261105.17",
    "submission_id": "1.2.250.1.999.1.1.4242.1.20261105.3",
}


def material(**changes: Any) -> dict[str, Any]:
    """What the workflow collects about a nurse's note; ``changes`` replace fields, ``author_``/``patient_``/``act_`` inner ones."""
    whole: dict[str, Any] = {
        "kind": "OBS",
        "text": "Pansement refait. Plaie propre, pas de fièvre.",
        "written_at": datetime(2026, 11, 5, 17, 20, tzinfo=UTC),
        "asked_at": datetime(2026, 11, 5, 17, 30, tzinfo=UTC),
        "patient": dict(PATIENT),
        "author": dict(NURSE),
        "act": {
            "start": datetime(2026, 11, 5, 17, 0, tzinfo=UTC),
            "end": datetime(2026, 11, 5, 17, 20, tzinfo=UTC),
            "at_home": True,
        },
    }
    for name, value in changes.items():
        part, _, inner = name.partition("__")
        if inner:
            whole[part] = {**whole[part], inner: value}
        else:
            whole[name] = value
    return whole


def filing(**changes: Any) -> mapping.Filing:
    """The filing of :func:`material`."""
    return mapping.filing(material(**changes), **IDS)


def sendable(*, settings: DmpSettings, set_id: str | None = None, **changes: Any) -> Submission:
    """A submission of now, with identifiers of its own: what a registry that knows the time accepts."""
    now = datetime.now(UTC)
    fresh = {
        "author": {**PHYSICIAN, "signed_in_at": now - timedelta(minutes=20)},
        "written_at": now - timedelta(minutes=5),
        "asked_at": now,
        "act": {"start": now - timedelta(minutes=40), "end": now - timedelta(minutes=10), "at_home": True},
    }
    one = mapping.filing(
        {**material(), **fresh, **changes}, unique_id=oid(), set_id=set_id or oid(), submission_id=oid()
    )
    return mapping.submission(one, settings)


def oid() -> str:
    """A new OID (ITU-T X.667)."""
    return f"2.25.{uuid.uuid4().int}"
