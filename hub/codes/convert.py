"""Bring the national tables to one format and describe all tables: ``python -m hub.codes.convert SOURCE_DIR``.

The sources are CSV files with at least ``code,display``; retired codes are kept with the day they ended, since old data carry
them. Writes ``tables/*.csv`` and ``MANIFEST.toml``, and prints what changed, for review.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hub.codes import COLUMNS, MANIFEST, REFUSAL_TABLES, TABLES

NOS = "https://mos.esante.gouv.fr/NOS"
OWN = "Colibri"
AGENCY = "Agence du Numérique en Santé, nomenclatures des objets de santé (NOS)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One national table. ``extra`` maps a column of ours to the source's; ``only`` keeps the rows of that system."""

    file: str
    version: str = ""
    oid: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    only: str = ""


SYSTEM_OID = {"system_oid": "system_oid"}
SKILLS = "savoir-faire.csv"
CISIS = "1.2.250.1.213.1.1.5"

SOURCES: Mapping[str, Source] = {
    "TRE_G07-TypeIdentifiantStructure": Source(file="type-identifiant-structure.csv", version="2024-03-29"),
    "TRE_G08-TypeIdentifiantPersonne": Source(file="type-identifiant-personne.csv", version="2024-03-29"),
    "TRE_G15-ProfessionSante": Source(file="profession-sante.csv", version="2025-01-31"),
    "TRE_R02-SecteurActivite": Source(file="secteur-activite.csv", version="2024-12-13"),
    "TRE_R04-TypeSavoirFaire": Source(file="type-savoir-faire.csv", version="2023-12-15"),
    "TRE_R09-CategorieProfessionnelle": Source(file="categorie-professionnelle.csv", version="2024-04-26"),
    "TRE_R11-CiviliteExercice": Source(file="civilite-exercice.csv", version="2020-04-24"),
    "TRE_R21-Fonction": Source(file="role-fonction.csv", version="2024-02-23"),
    "TRE_R22-GenreActivite": Source(file="genre-activite.csv", version="2024-03-29"),
    "TRE_R23-ModeExercice": Source(file="mode-exercice.csv", version="2023-12-15"),
    "TRE_R38-SpecialiteOrdinale": Source(file=SKILLS, version="2024-10-25", only="TRE_R38-SpecialiteOrdinale"),
    "TRE_G05-SousSectionTableauCNOP": Source(file="sous-section-pharmacien.csv"),
    "TRE_R06-SectionTableauCNOP": Source(file="section-pharmacien.csv"),
    "TRE_R14-TypeDiplome": Source(file="type-diplome.csv"),
    "TRE_R17-TypeAutorisation": Source(file="type-autorisation.csv"),
    "TRE_R35-TypeVoie": Source(file="type-voie.csv"),
    "TRE_R48-DiplomeEtatFrancais": Source(file="diplome-etat-francais.csv"),
    "TRE_R81-Civilite": Source(file="civilite.csv", version="2020-04-24"),
    "TRE_R85-RolePriseCharge": Source(file="role-prise-charge.csv", version="2021-10-29"),
    "TRE_R94-ProfessionSocial": Source(file="profession-social.csv", version="2020-05-29"),
    "TRE_R95-UsagerTitre": Source(file="usager-titre.csv", version="2024-12-13"),
    "TRE_R96-AutreFonctionSanitaire": Source(file="role-autre-fonction-sanitaire.csv", version="2020-04-24"),
    "TRE_A07-StatutVisibiliteDocument": Source(file="visibility-TRE-A07.csv"),
    "JDV_J107-EnsembleSavoirFaire-RASS": Source(
        file=SKILLS,
        version="2024-10-25",
        oid="1.2.250.1.213.1.6.1.175",
        extra={"system": "system", "system_oid": "oid", "type": "type_savoir_faire"},
    ),
    "JDV_J01-XdsAuthorSpecialty-CISIS": Source(
        file="cda-author-specialty-J01.csv", version="2024-12-13", oid=f"{CISIS}.461", extra=SYSTEM_OID
    ),
    "JDV_J02-XdsHealthcareFacilityTypeCode-CISIS": Source(
        file="xds-facilitytype-J02.csv", version="2024-12-13", oid=f"{CISIS}.466", extra=SYSTEM_OID
    ),
    "JDV_J04-XdsPracticeSettingCode-CISIS": Source(
        file="xds-practicesetting-J04.csv", version="2024-09-27", oid=f"{CISIS}.467", extra=SYSTEM_OID
    ),
    "JDV_J06-XdsClassCode-CISIS": Source(
        file="xds-classcode-J06.csv",
        version="2023-09-22",
        oid=f"{CISIS}.462",
        extra={**SYSTEM_OID, "in_dmp": "in_DMP_J57"},
    ),
    "JDV_J07-XdsTypeCode-CISIS": Source(
        file="xds-typecode-J07.csv",
        version="2026-06-29",
        oid=f"{CISIS}.471",
        extra={
            **SYSTEM_OID,
            "in_dmp": "in_DMP_J66_by_ASS_X16_20240223",
            "in_edition_20240927": "in_J07_20240927",
            "class_code": "class_code_ASS_X04_20250415",
            "class_display": "class_display",
        },
    ),
    "JDV_J08-XdsConfidentialityCode-CISIS": Source(
        file="xds-confidentiality-J08.csv", version="2020-04-24", oid=f"{CISIS}.463", extra=SYSTEM_OID
    ),
    "JDV_J23-TypeNoteCahierLiaison-CISIS": Source(
        file="cdl-note-type-J23.csv", version="2020-04-24", oid=f"{CISIS}.98", extra={"system": "system_uri"}
    ),
    "JDV_J59-ContentTypeCode-DMP": Source(
        file="xds-contenttype-J59-DMP.csv", version="2022-10-28", oid=f"{CISIS}.2", extra=SYSTEM_OID
    ),
    "JDV_J60-FormatCode-DMP": Source(
        file="xds-formatcode-J60-DMP.csv",
        version="2024-09-27",
        oid=f"{CISIS}.8",
        extra={**SYSTEM_OID, "media_type": "cda_nonxmlbody_media_type_ASS_A12"},
    ),
    "JDV_J65-SubjectRole-DMP": Source(
        file="vihf-subjectrole-J65-DMP.csv", version="2022-07-29", oid=f"{CISIS}.5", extra=SYSTEM_OID
    ),
}


def _lines(folder: Path, source: Source) -> list[dict[str, str]]:
    with (folder / source.file).open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    return [line for line in lines if source.only in line.get("system", "")] if source.only else lines


def text_of(lines: Iterable[Mapping[str, str]], extra: Mapping[str, str]) -> str:
    """The table in our format, sorted by code."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*COLUMNS, *extra))
    for line in sorted(lines, key=lambda line: line["code"]):
        fixed = (
            line["code"],
            line["display"],
            line.get("parent", ""),
            line.get("start_date", ""),
            line.get("end_date", ""),
        )
        writer.writerow((*fixed, *(line[name] for name in extra.values())))
    return out.getvalue()


def _about(name: str, source: Source, lines: list[dict[str, str]]) -> dict[str, str]:
    first = lines[0]
    is_set = name.startswith("JDV")
    return {
        "system": f"{NOS}/{name}/FHIR/{name.replace('_', '-')}" if is_set else first["system"],
        "oid": source.oid if is_set else first["oid"],
        "version": source.version,
        "source": AGENCY,
    }


def _toml(tables: Mapping[str, Mapping[str, str]]) -> str:
    parts = ["# Written by hub.codes.convert: what each table is, where it comes from, and its checksum.\n"]
    for name in sorted(tables):
        values = "".join(
            f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in tables[name].items() if value
        )
        parts.append(f'["{name}"]\n{values}')
    return "\n".join(parts)


def sha256(name: str) -> str:
    """The checksum of a table as it stands."""
    return hashlib.sha256((TABLES / f"{name}.csv").read_bytes()).hexdigest()


def _own() -> dict[str, dict[str, str]]:
    """Ours, the communes, and the codes of refusals, which stand with their sentences."""
    ours = {path.stem: {"source": OWN, "sha256": sha256(path.stem)} for path in TABLES.glob("hub-*.csv")}
    ours |= {name: {"source": f"{OWN}, hub/domain/refusals.csv"} for name in REFUSAL_TABLES}
    communes = "INSEE, code officiel géographique 2026 (Licence Ouverte); positions GeoNames (CC-BY 4.0); see hub.codes.communes"
    ours["communes"] = {"version": "2026", "source": communes, "sha256": sha256("communes")}
    ours["maps"] = {"source": OWN, "sha256": sha256("maps")}
    return ours


def describe() -> None:
    """Write the checksums of our own tables into the manifest, leaving the national ones as they are."""
    known = tomllib.loads(MANIFEST.read_text(encoding="utf-8")) if MANIFEST.exists() else {}
    kept = {name: about for name, about in known.items() if name in SOURCES}
    MANIFEST.write_text(_toml({**kept, **_own()}), encoding="utf-8")


def _changes(before: str, after: str) -> str:
    old, new = set(before.splitlines()[1:]), set(after.splitlines()[1:])
    return f"+{len(new - old)} -{len(old - new)}"


def main(source_dir: str) -> None:
    """Convert every source of the folder and write the manifest."""
    tables = _own()
    for name, source in SOURCES.items():
        lines = _lines(Path(source_dir), source)
        text = text_of(lines, source.extra)
        path = TABLES / f"{name}.csv"
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(text, encoding="utf-8")
        tables[name] = {**_about(name, source, lines), "sha256": sha256(name)}
        sys.stdout.write(f"{name}: {len(lines)} codes, {_changes(before, text)}\n")
    MANIFEST.write_text(_toml(tables), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        describe()
    else:
        main(sys.argv[1])
