"""What a page says after an act, at the top of the next one. A cookie carries the name of the sentence, never its words: nothing
about a patient can get into it, and nothing a stranger writes in it can get into a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

COOKIE = "flash"
LIFE = 60  # seconds between the act and the page that tells it


@dataclass(frozen=True, slots=True, kw_only=True)
class Flash:
    """``kind``: done, info, wait or danger. ``more``: further lines; ``href`` and ``verb``: the way on."""

    title: str
    text: str = ""
    kind: str = "done"
    more: tuple[str, ...] = ()
    href: str = ""
    verb: str = ""


AFTER: Mapping[str, Flash] = {
    "difference-seen": Flash(title="Écart vu.", text="Il quitte la liste."),
    "accepted": Flash(title="Demande acceptée.", text="Elle vous est confiée. Proposez un rendez-vous."),
    "declined": Flash(title="Demande déclinée.", text="Elle quitte votre liste."),
    "released": Flash(
        title="Demande rendue.", text="Elle repart aussitôt vers vos confrères, avec le temps qui reste."
    ),
    "proposed": Flash(
        title="Rendez-vous proposé.", text="La cellule appelle pour le confirmer. Rien à faire pour vous."
    ),
    "countered": Flash(title="Autre heure enregistrée.", text="Le rendez-vous attend l'accord du patient."),
    "confirmed": Flash(title="Rendez-vous confirmé.", text="Le professionnel et la régulation sont prévenus."),
    "patient-refused": Flash(
        title="Refus enregistré.", text="La demande repart en recherche, avec le temps qui reste."
    ),
    "not-reached": Flash(
        title="Patient injoignable.", text="La demande reste sur votre liste : rappelez, ou rendez-la.", kind="info"
    ),
    "reached": Flash(title="Patient joint.", text="Le rendez-vous attend de nouveau son accord."),
    "cancelled": Flash(title="Demande annulée.", text="Ceux qui la suivaient sont prévenus."),
    "handed-back": Flash(title="Demande rendue au SAS.", text="La régulation est prévenue."),
    "reissued": Flash(title="Demande émise à nouveau.", text="Le délai repart du début."),
    "done": Flash(title="C'est noté : vu.", text="Vous pouvez écrire une note dans son cahier de liaison."),
    "missed": Flash(title="C'est noté : absent.", text="La cellule décide de la suite."),
    "note-written": Flash(title="Note publiée.", text="Le cercle de soins peut la lire."),
    "note-filed": Flash(title="Note publiée, dépôt au DMP demandé.", text="L'état du dépôt s'affiche sous la note."),
    "note-corrected": Flash(title="Note corrigée.", text="L'ancienne version reste dans l'historique."),
    "filing-asked": Flash(title="Dépôt au DMP demandé.", text="L'état s'affiche sous la note."),
    "agreement": Flash(title="Réponse enregistrée.", text="Datée d'aujourd'hui, à votre nom."),
    "contact-chosen": Flash(title="C'est noté.", text="Ces coordonnées viennent en premier, les autres restent."),
    "usual-gp-confirmed": Flash(title="Médecin traitant confirmé.", text="Il peut lire le cahier de liaison."),
    "usual-gp-withdrawn": Flash(title="Confirmation retirée.", text="Il ne lit plus le cahier de liaison à ce titre."),
    "saved": Flash(title="Réglages enregistrés.", text="Ils valent dès maintenant."),
    "paused": Flash(title="Vous ne recevrez plus rien aujourd'hui.", text="Les demandes reprennent demain."),
    "resumed": Flash(title="Vous recevez de nouveau les demandes."),
    "code-sent": Flash(title="Message envoyé.", text="Il sert une fois, pendant 5 minutes.", kind="info"),
    "link-sent": Flash(
        title="Un courriel vient de partir.", text="Ouvrez le lien qu'il contient, il vaut 24 heures.", kind="info"
    ),
    "confirmed-email": Flash(title="Adresse confirmée.", text="Vos alertes peuvent y arriver."),
    "confirmed-mobile": Flash(title="Mobile confirmé.", text="Vos alertes peuvent y arriver."),
    "sessions-closed": Flash(title="Séances fermées.", text="Il ne reste que celle-ci."),
    "signed-out-here": Flash(title="Vous avez quitté Colibri.", text="Identifiez-vous pour revenir.", kind="info"),
    "session-over": Flash(
        title="Votre séance s'est fermée.", text="Identifiez-vous pour reprendre où vous en étiez.", kind="wait"
    ),
}
