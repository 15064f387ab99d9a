"""The directory as tests serve it: the rows of :mod:`tests.connectors.rpps.rows`, with skills, diplomas and secure mailboxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from hub.connectors.rpps.load import load
from hub.connectors.rpps.mapping import DIPLOMA, MAILBOX, SKILL
from hub.connectors.rpps.settings import RppsSettings
from hub.storage.session import Database
from tests.connectors.rpps.rows import DOCTOR, EVERYBODY, NURSE, archive, source, text

WHO = ("id_type", "identifier", "national_id", "family", "given")
SKILLS = [
    {**DOCTOR, "skill_type_code": "CAPA", "skill_type": "Capacité", "skill_code": "CAPA06", "skill": "Gérontologie"},
]
DIPLOMAS = [
    {**NURSE, "diploma_type_code": "DE", "diploma_type": "Diplôme d'Etat français", "diploma_code": "DE09", "diploma": "Infirmier"},
    {**NURSE, "diploma_type_code": "DU", "diploma_type": "Diplôme universitaire", "diploma_code": "DU77", "diploma": "DU Plaies"},
    {**DOCTOR, "authorization_type_code": "AM01", "authorization_type": "Autorisation de plein exercice"},
]  # fmt: skip
MAILBOXES = [
    {**DOCTOR, "kind": "PER", "address": "Anne-Sophie.LEFEVRE@medecin.mssante.example", "structure_national_id": ""},
    {
        **DOCTOR,
        **{"kind": "PER", "address": "as.lefevre@ch.mssante.example", "service": "Urgences"},
        **{"structure_id_type": "1", "structure_national_id": "259990018"},
    },
    {
        **{"kind": "ORG", "address": "secretariat@ch.mssante.example"},
        **{"structure_id_type": "1", "structure_national_id": "259990018"},
    },
]


def listed(columns: Mapping[str, str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """A file of one of the lists."""
    lines = ["|".join(columns.values()), *("|".join(row.get(key, "") for key in columns) for row in rows)]
    return "".join(f"{line}\n" for line in lines).encode()


async def serve(
    database: Database, folder: Path, rows: Iterable[dict[str, str]] = EVERYBODY, *, stamp: str = "202611160911"
) -> None:
    """Load the extraction, then the list of mailboxes."""
    packed = {
        f"PS_LibreAcces_Personne_activite_{stamp}.txt": text(rows),
        f"PS_LibreAcces_SavoirFaire_{stamp}.txt": listed(SKILL, SKILLS),
        f"PS_LibreAcces_Dipl_AutExerc_{stamp}.txt": listed(DIPLOMA, DIPLOMAS),
    }
    settings = RppsSettings()  # type: ignore[call-arg]
    await load(database, settings, archive(folder, packed, stamp=stamp))
    mailboxes = source(folder, listed(MAILBOX, MAILBOXES), stamp=stamp)
    path = folder / f"Extraction_Correspondance_MSSante_{stamp}.txt"
    path.write_bytes(mailboxes.path.read_bytes())
    await load(
        database, settings, type(mailboxes)(path=path, name=path.name, origin=path.name, digest=mailboxes.digest)
    )
