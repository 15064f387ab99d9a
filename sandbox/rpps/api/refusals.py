"""Refusals of the API: an HTTP status, an issue code of FHIR R4 and a French sentence, told as an OperationOutcome."""

from typing import Any

SENTENCES: dict[str, tuple[int, str, str]] = {
    "no-key": (401, "login", "L’en-tête ESANTE-API-KEY manque."),
    "unknown-key": (403, "forbidden", "Cette clé d’API n’est pas connue."),
    "too-many": (429, "throttled", "Plus de 17 appels en une seconde pour cette clé."),
    "forbidden": (403, "forbidden", "L’annuaire se lit seulement : {} n’est pas permis."),
    "unknown-type": (404, "not-supported", "Type de ressource inconnu : {}."),
    "unknown-address": (404, "not-found", "Rien à cette adresse : {}."),
    "old-version": (410, "not-supported", "La version 1 est arrêtée depuis juillet 2026."),
    "unknown-resource": (404, "not-found", "Aucune ressource {}."),
    "unknown-parameter": (400, "not-supported", "Paramètre de recherche inconnu : {}."),
    "not-available": (400, "not-supported", "Le paramètre {} n’est pas disponible."),
    "unknown-modifier": (400, "not-supported", "Modificateur inconnu ou sans objet ici : {}."),
    "empty": (400, "value", "Le paramètre {} n’a pas de valeur."),
    "bad-date": (400, "value", "Date illisible : {}."),
    "bad-value": (400, "value", "Valeur refusée : {}."),
    "bad-format": (400, "not-supported", "Format inconnu : {}. Cette API répond en JSON."),
    "bad-body": (400, "structure", "POST _search attend un formulaire (application/x-www-form-urlencoded)."),
    "page-expired": (410, "expired", "Cette page a expiré : recommencez la recherche."),
    "page-unknown": (404, "not-found", "Page inconnue."),
    "page-chained": (500, "exception", "La page suivante d’une recherche en chaîne ne peut pas être calculée."),
    "beyond-memory": (400, "too-costly", "Les mises à jour ne sont gardées que 30 jours : reprenez l’extraction."),
}


class RefusedCallError(Exception):
    """`name` is a key of SENTENCES, `subject` what the sentence speaks of."""

    def __init__(self, name: str, subject: str = "") -> None:
        self.status, self.code, words = SENTENCES[name]
        self.sentence = words.format(subject)
        super().__init__(self.sentence)

    def outcome(self) -> dict[str, Any]:
        issue = {"severity": "error", "code": self.code, "diagnostics": self.sentence}
        return {"resourceType": "OperationOutcome", "issue": [issue]}
