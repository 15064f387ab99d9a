"""Settings of the DMP connector. Below the composition floor they are passed as an argument."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

Oid = Annotated[str, StringConstraints(pattern=r"^[0-2](\.(0|[1-9][0-9]*))+$", max_length=40)]
StructureId = Annotated[str, StringConstraints(pattern=r"^[0-4][0-9A-Z]{8,14}$")]  # Struct_IdNat, dmp.md 4.3
Filled = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]

# Type of a liaison note by profession of its author (TRE_G15 or TRE_R94 code); all others: ``default_type``.
TYPES_BY_PROFESSION = {
    "10": "11488-4",  # médecin
    "40": "11488-4",  # chirurgien-dentiste
    "50": "11488-4",  # sage-femme
    "41": "28653-4",  # assistant de service social
}


class DmpSettings(BaseModel):
    """How to reach the DMP, as which structure and with which product; codes the specification leaves to a choice."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    service_root: Filled = Field(description="adresse des services du DMP, terminée par /services/")
    authority: Path | None = Field(default=None, description="seule racine de confiance pour le DMP (PEM)")
    transport_certificate: Path | None = Field(
        default=None, description="certificat ORG AUTH_CLI et sa chaîne (PEM), pour le TLS mutuel"
    )
    transport_key: Path | None = Field(default=None, description="clé du certificat de transport (PEM)")
    signing_certificate: Path = Field(description="certificat ORG SIGN (cachet) et sa chaîne (PEM), qui signe le VIHF")
    signing_key: Path = Field(description="clé du certificat de signature (PEM)")
    timeout: float = Field(default=30.0, gt=0, description="secondes avant qu'un appel sans réponse soit repris")

    structure_id: StructureId = Field(
        description="identifiant national de la structure, celui (OU) des deux certificats"
    )
    structure_name: Filled = Field(description="nom de la structure dans les documents")
    structure_sector: Filled = Field(default="SA63", description="secteur d'activité de la structure (JDV_J61)")
    practice_setting: Filled = Field(default="AMBULATOIRE", description="cadre d'exercice de la structure (JDV_J04)")

    source_oid: Oid = Field(description="OID de l'installation : source des envois et racine des identifiants locaux")
    lps_name: Filled = Field(default="COLIBRI", description="nom du produit, tel qu'il est affiché")
    lps_version: Filled = Field(default="0.1.0", description="version du produit, telle qu'elle est affichée")
    lps_homologation: SecretStr = Field(description="numéro d'homologation donné par le CNDA")
    vihf_version: Literal["3.0", "4.0"] = Field(default="3.0", description="version du VIHF")
    authentication_class: Filled = Field(
        default="urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered",
        description="classe SAML de la connexion, quand l'envoi ne la dit pas",
    )
    submission_digest: Literal["sha1", "sha256"] = Field(
        default="sha1",
        description="empreinte de la signature du lot (les exemples publiés n'emploient que SHA-1)",
    )
    production: bool = Field(default=False, description="DMP de production : les INS de test sont refusés")
    check_status: bool = Field(
        default=True, description="interroge le DMP (TD0.2) et compare l'identité avant d'envoyer"
    )

    types: dict[str, str] = Field(
        default=TYPES_BY_PROFESSION, description="type de document par profession de l'auteur (JDV_J66)"
    )
    default_type: Filled = Field(default="11506-3", description="type de document des autres professions")
    content_at_home: Filled = Field(default="16", description="type d'activité des soins à domicile (JDV_J59)")
    content_elsewhere: Filled = Field(default="07", description="type d'activité dans les autres cas (JDV_J59)")
    tables: Path | None = Field(default=None, description="dossier de nomenclatures qui remplacent celles du produit")
